#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/ports/machine.hpp"
#include "actors/ports/runtime.hpp"
#include "schema/json.hpp"

namespace skerry::node {

/// What the agent finds out about itself.
struct node_health {
  std::string runtime_problem, store_problem;  ///< empty: it works
};

/// Builds core/v1 NodeStatus as kubelet reports it, with the node's own labels under "metadata", and remembers since
/// when each condition holds.
class node_status {
public:
  node_status(std::string node, std::string version, std::map<std::string, std::string> labels,
              ports::machine_facts facts, ports::runtime_info runtime);

  /// True if `render` would say what it said last: most of the time, so that a tick of a quiet node costs next to
  /// nothing. False before the first report.
  bool same(const ports::machine_load& load, const node_health& health) const;
  /// The report as JSON text, lastHeartbeatTime left out (the lease tells that): equal states give equal texts.
  std::string render(const ports::machine_load& load, const node_health& health, int64_t wall_ms);

private:
  /// What a report depends on.
  struct state {
    bool memory = false, disk = false, pids = false;
    std::string problem;
    bool operator==(const state&) const = default;
  };
  static state state_of(const ports::machine_load& load, const node_health& health);
  struct finding;
  static std::vector<finding> findings(const state& s);
  json::array conditions(const state& s, int64_t wall_ms);

  std::string node_, version_;
  std::map<std::string, std::string> labels_;
  ports::machine_facts facts_;
  ports::runtime_info runtime_;
  struct condition {
    bool value = false;
    int64_t since_ms = 0;
  };
  std::map<std::string, condition> conditions_;
  std::optional<state> said_;  ///< by the last report
};

/// Memory and disk that pods may use: what the machine has, less a reserve for itself.
int64_t allocatable_memory(const ports::machine_facts& facts);
int64_t allocatable_disk(const ports::machine_facts& facts);

}  // namespace skerry::node
