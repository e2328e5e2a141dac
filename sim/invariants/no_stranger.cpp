#include <set>

#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// When all has converged, what runs on a node is what is bound to it: the desired set is reached, and nothing is left
/// over.
class no_stranger_invariant final : public invariant {
public:
  std::string_view name() const override { return "no-stranger"; }
  void look(fleet& f) override {
    // A pod that the cloud never had is a stranger at any time; one that it had may be on its way out.
    if (!f.quiet()) return;
    find(f);
  }
  void on_event(fleet&, const store::event& e) override {
    if (store::resource_of(e.now) == "pods") known_.insert(std::string{store::uid_of(e.now)});
  }
  void at_end(fleet& f) override { find(f); }

private:
  void find(fleet& f) {
    for (auto& n : f.nodes)
      n.machine->runtime.visit([&](const ports::container_state& c) {
        ++checked;
        if (!known_.contains(c.pod_uid))
          f.broke(name(), "on " + n.machine->name + " is a container of pod " + c.pod_uid + ", which never was");
      });
  }
  std::set<std::string> known_;
};

}  // namespace

std::unique_ptr<invariant> no_stranger() { return std::make_unique<no_stranger_invariant>(); }

}  // namespace skerry::sim
