#include <algorithm>
#include <unordered_map>

#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// Of a container of a pod at most one instance runs, in the whole fleet. Only nodes on which something began or ended
/// are looked at, so that a look at a fleet at rest costs next to nothing.
class one_instance_invariant final : public invariant {
public:
  std::string_view name() const override { return "one-instance"; }
  void look(fleet& f) override {
    if (homes_.size() < f.nodes.size()) homes_.resize(f.nodes.size());
    std::vector<uint32_t> changed;
    for (uint32_t i = 0; i < f.nodes.size(); ++i) {
      auto* machine = f.nodes[i].machine;
      if (machine == nullptr || machine->runtime.version() == homes_[i].version) continue;
      changed.push_back(i);
      // First all that ended: a container may have moved from a node that comes later.
      for (auto c : homes_[i].running) where_.erase(c);
    }
    for (auto i : changed) read(f, i);
  }
  void at_end(fleet& f) override { look(f); }

private:
  struct home {
    uint64_t version = 0;
    std::vector<uint64_t> running;  ///< containers of pods, by a hash of their names
  };

  void read(fleet& f, uint32_t at) {
    auto& runtime = f.nodes[at].machine->runtime;
    auto& mine = homes_[at];
    mine.version = runtime.version();
    mine.running.clear();
    runtime.visit([&](const ports::container_state& c) {
      if (c.phase != ports::container_phase::running) return;
      auto id = std::hash<std::string>{}(c.pod_uid + "/" + c.name);
      ++checked;
      auto [other, fresh] = where_.try_emplace(id, at);
      if (fresh) return mine.running.push_back(id);
      f.broke(name(), "container " + c.pod_uid + "/" + c.name + " runs on " + f.nodes[other->second].machine->name +
                          " and on " + f.nodes[at].machine->name);
    });
  }

  std::vector<home> homes_;  ///< by number of the node
  std::unordered_map<uint64_t, uint32_t> where_;
};

}  // namespace

std::unique_ptr<invariant> one_instance() { return std::make_unique<one_instance_invariant>(); }

}  // namespace skerry::sim
