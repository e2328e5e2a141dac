#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// Supervisors keep their windows, and nobody crashes whom nobody killed: no crash report, and no process that ended by
/// itself.
class nobody_crashed_invariant final : public invariant {
public:
  std::string_view name() const override { return "nobody-crashed"; }
  void look(fleet& f) override {
    check(f, f.cloud, f.w.cloud);
    for (auto& n : f.nodes)
      if (n.machine != nullptr) check(f, n, *n.machine);
  }
  void at_end(fleet& f) override { look(f); }

private:
  void check(fleet& f, const fleet::node& n, island& i) {
    // Of a process that is killed, and of one that cannot write, the ends of actors are reported as crashes.
    if (n.down > 0 || n.full > 0 || n.crashes > 0 || n.disk_faults > 0) return;
    ++checked;
    if (i.starts > 1) return f.broke(name(), "the process of " + i.path + " ended by itself");
    if (i.crashes.total() == 0) return;
    auto all = i.crashes.reports();
    f.broke(name(), all.back().path + " crashed: " + all.back().why);
  }
};

}  // namespace

std::unique_ptr<invariant> nobody_crashed() { return std::make_unique<nobody_crashed_invariant>(); }

}  // namespace skerry::sim
