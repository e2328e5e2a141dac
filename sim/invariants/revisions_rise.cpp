#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// Revisions only rise: no watcher sees a change twice or out of order, and the cloud never goes back behind what it
/// published.
class revisions_rise_invariant final : public invariant {
public:
  std::string_view name() const override { return "revisions-rise"; }
  void on_event(fleet& f, const store::event& e) override {
    ++checked;
    if (e.revision <= last_)
      f.broke(name(), "revision " + std::to_string(e.revision) + " came after revision " + std::to_string(last_));
    last_ = e.revision;
  }
  void look(fleet& f) override {
    if (f.cloud.down > 0) return;
    auto now = f.w.views->current()->revision();
    ++checked;
    if (now < published_)
      f.broke(name(), "the store is at revision " + std::to_string(now) + ", and was at " + std::to_string(published_));
    published_ = now;
  }

private:
  uint64_t last_ = 0, published_ = 0;
};

}  // namespace

std::unique_ptr<invariant> revisions_rise() { return std::make_unique<revisions_rise_invariant>(); }

}  // namespace skerry::sim
