#include "actors/link/mesh.hpp"
#include "sim/fleet/fleet.hpp"
#include "sim/load/plants.hpp"

namespace skerry::sim {
namespace {

/// Every queue of every link is within its limit (schema/limits.hpp).
class queues_bounded_invariant final : public invariant {
public:
  std::string_view name() const override { return "queues-bounded"; }
  void look(fleet& f) override {
    // All links of a large fleet take a while to ask: the cloud's each time, a node's in turn.
    check(f, f.w.cloud);
    for (int n = 0; n < 16 && !f.w.edges.empty(); ++n) check(f, *f.w.edges[next_++ % f.w.edges.size()]);
  }

private:
  void check(fleet& f, island& i) {
    if (!i.mesh) return;
    // Planted: a queue that is longer than it may be, by a limit that is lower than the one that is kept.
    auto fleeting_max = f.options.plant == planted::endless_queue ? 1'000 : limits::fleeting_waiting_max;
    for (auto& l : i.mesh->links()) {
      ++checked;
      within(f, i, l.island, "fleeting letters", l.waiting, fleeting_max);
      within(f, i, l.island, "bytes of fleeting letters", l.waiting_bytes,
             limits::fleeting_waiting_bytes_max + limits::letter_bytes_max);
      within(f, i, l.island, "keys", l.latest_waiting, limits::latest_waiting_max);
      within(f, i, l.island, "durable letters", l.durable_waiting, limits::durable_waiting_max);
      within(f, i, l.island, "bytes of durable letters", l.durable_bytes,
             limits::durable_waiting_bytes_max + limits::letter_bytes_max);
      within(f, i, l.island, "requests", l.calls, limits::calls_waiting_max);
    }
  }
  void within(fleet& f, const island& i, const std::string& to, const char* what, uint64_t is, uint64_t most) {
    if (is > most)
      f.broke(name(), std::to_string(is) + " " + what + " wait on " + i.path + " for " + to + ", and " +
                          std::to_string(most) + " is the most");
  }
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<invariant> queues_bounded() { return std::make_unique<queues_bounded_invariant>(); }

std::vector<std::unique_ptr<invariant>> all_invariants() {
  std::vector<std::unique_ptr<invariant>> all;
  for (auto make : {acknowledged_kept, effects_once, latest_last, offline_pods_kept, one_instance, no_stranger,
                    revisions_rise, watchers_complete, nobody_crashed, queues_bounded})
    all.push_back(make());
  return all;
}

}  // namespace skerry::sim
