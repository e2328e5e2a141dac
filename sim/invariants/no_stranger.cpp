#include <unordered_set>

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
    if (f.quiet()) find(f);
  }
  void on_event(fleet&, const store::event& e) override {
    if (e.type == store::event_type::modified || store::resource_of(e.now) != "pods") return;
    known_.insert(hash(store::uid_of(e.now)));
  }
  void at_end(fleet& f) override { find(f); }

private:
  static uint64_t hash(std::string_view uid) { return std::hash<std::string_view>{}(uid); }

  /// On nodes where something began or ended since it was last looked at.
  void find(fleet& f) {
    if (looked_.size() < f.nodes.size()) looked_.resize(f.nodes.size());
    for (size_t i = 0; i < f.nodes.size(); ++i) {
      auto* machine = f.nodes[i].machine;
      if (machine == nullptr) continue;
      auto version = machine->runtime.version();
      if (std::exchange(looked_[i], version) == version) continue;
      machine->runtime.visit([&](const ports::container_state& c) {
        ++checked;
        if (!known_.contains(hash(c.pod_uid)))
          f.broke(name(), "on " + machine->name + " is a container of pod " + c.pod_uid + ", which never was");
      });
    }
  }

  std::vector<uint64_t> looked_;  ///< version of each node's runtime
  std::unordered_set<uint64_t> known_;
};

}  // namespace

std::unique_ptr<invariant> no_stranger() { return std::make_unique<no_stranger_invariant>(); }

}  // namespace skerry::sim
