#include <set>

#include "sim/fleet/fleet.hpp"
#include "sim/load/applications.hpp"

namespace skerry::sim {
namespace {

/// A pod of a node that is cut off is neither stopped there nor evicted by the cloud.
class offline_pods_kept_invariant final : public invariant {
public:
  std::string_view name() const override { return "offline-pods-kept"; }
  void look(fleet& f) override {
    for (auto& n : f.nodes) {
      if (n.must_run.empty()) continue;
      std::set<std::string> running;
      n.machine->runtime.visit([&](const ports::container_state& c) {
        if (c.phase == ports::container_phase::running) running.insert(c.id);
      });
      for (auto& id : n.must_run) {
        ++checked;
        if (!running.contains(id))
          return f.broke(name(), "container " + id.substr(0, 12) + " on " + n.machine->name +
                                     ", which is cut off, does not run any more");
      }
    }
  }
  void on_event(fleet& f, const store::event& e) override {
    if (e.type != store::event_type::modified || store::resource_of(e.now) != "pods") return;
    if (!store::is_deleting(e.now) || store::is_deleting(e.before)) return;
    auto* n = f.node_of(store::node_of(e.now));
    ++checked;
    // Users may end pods of nodes that are away; nobody else may.
    if (n == nullptr || !n->off_line() || f.pods_may_end()) return;
    f.broke(name(), "pod " + std::string{store::name_of(e.now)} + " of " + n->machine->name +
                        ", which is cut off, was deleted, and no user asked for it");
  }
};

}  // namespace

std::unique_ptr<invariant> offline_pods_kept() { return std::make_unique<offline_pods_kept_invariant>(); }

}  // namespace skerry::sim
