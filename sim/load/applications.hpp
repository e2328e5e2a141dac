#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "actors/store/view.hpp"
#include "sim/fleet/part.hpp"
#include "sim/fleet/scenario.hpp"

namespace skerry::sim {

/// The applications of a scenario, "app-0" to "app-<podsPerNode - 1>": a Deployment each, with as many replicas as
/// there are nodes, and the changes that users make to them.
class applications final : public part {
public:
  explicit applications(const scenario& s);
  void setup(fleet&) override;
  void start(fleet&) override;
  size_t pods(fleet&) override;
  std::string missing(fleet&) override;
  void metrics(fleet&, json::object&) override;
  bool ends_pods() const override { return changes_ > 0; }

private:
  void create(fleet&, uint32_t app);
  void change(fleet&, const change_rule& r);
  std::vector<int64_t> replicas_;
  std::vector<uint64_t> versions_;
  uint64_t changes_ = 0;
};

/// What a Deployment lacks of having `replicas` of its newest version, all ready; empty: nothing.
std::string missing_of_rollout(const store::view& v, const std::string& ns, const std::string& name, int64_t replicas);

}  // namespace skerry::sim
