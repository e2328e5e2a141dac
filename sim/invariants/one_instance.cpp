#include <algorithm>

#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// Of a container of a pod at most one instance runs, in the whole fleet.
class one_instance_invariant final : public invariant {
public:
  std::string_view name() const override { return "one-instance"; }
  void look(fleet& f) override {
    std::vector<std::pair<std::string, std::string>> running;
    for (auto& n : f.nodes) {
      if (n.machine == nullptr) continue;
      n.machine->runtime.visit([&](const ports::container_state& c) {
        if (c.phase == ports::container_phase::running) running.emplace_back(c.pod_uid + "/" + c.name, n.machine->name);
      });
    }
    checked += running.size();
    std::sort(running.begin(), running.end());
    for (size_t i = 1; i < running.size(); ++i)
      if (running[i].first == running[i - 1].first)
        return f.broke(name(), "container " + running[i].first + " runs on " + running[i - 1].second + " and on " +
                                   running[i].second);
  }
  void at_end(fleet& f) override { look(f); }
};

}  // namespace

std::unique_ptr<invariant> one_instance() { return std::make_unique<one_instance_invariant>(); }

}  // namespace skerry::sim
