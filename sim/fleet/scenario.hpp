#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/duration.hpp"
#include "schema/json.hpp"

namespace skerry::sim {

/// Which machines something befalls. Exactly one of them is set in a scenario's file; none means all nodes.
struct selection {
  bool cloud = false;
  std::string region;  ///< "r0", "r1", ...
  double share = 0;    ///< 0 to 1 of all nodes, drawn from the seed
  uint32_t count = 0;  ///< so many, drawn from the seed
};

/// What can befall a fleet.
enum class fault_kind : uint8_t {
  partition,  ///< the lines of nodes are held; with one way alone: of what they send ("up"), or of what they get
              ///< ("down")
  crash,      ///< processes end and come back when it is over; with power, machines
  clocks,     ///< clocks jump
  disks,      ///< disks are full
  registry,   ///< no images are to be had
  reconnect,  ///< all connections end at once
  delays,     ///< new and standing connections are slow
};
std::string_view name_of(fault_kind k);

/// One line of a scenario's `faults`: what happens, to whom, when, for how long, and how often.
struct fault_rule {
  fault_kind kind = fault_kind::partition;
  selection who;
  int64_t at_ms = 0, for_ms = 0;
  int64_t every_ms = 0, until_ms = 0;  ///< again and again; 0: once
  bool up = true, down = true;         ///< partition: which way is held
  bool power = false;                  ///< crash: the machine, not just the process
  int64_t jump_ms = 0;                 ///< clocks
  int64_t latency_ms = 0;              ///< delays
};

/// Faults that the seed draws: one of `kinds` every `every_ms`, on average, until the end.
struct chaos_rule {
  int64_t every_ms = 0;  ///< 0: none
  int64_t for_ms_max = 120'000;
  double share_max = 0.2;
  std::vector<fault_kind> kinds;
};

/// A change that users make to the applications.
struct change_rule {
  enum class what : uint8_t { rollout, scale } kind = what::rollout;
  uint32_t app = 0;  ///< its number
  int64_t at_ms = 0;
  double factor = 1;  ///< scale: of the replicas that it began with
};

/// A fleet, what its users do and what befalls it. Durations are virtual milliseconds since all runs for the first
/// time. Written as YAML (docs/simulator.md).
struct scenario {
  std::string name, about;
  uint32_t nodes = 50, pods_per_node = 4, regions = 1;
  int64_t duration_ms = 3'600'000;
  int64_t settle_ms = 300'000;                      ///< after the last fault all must have converged within this
  int64_t start_ms = 600'000;                       ///< and so long may it take until all runs for the first time
  int64_t power_on_ms = 10'000;                     ///< nodes are switched on within this
  int64_t latency_ms_min = 5, latency_ms_max = 80;  ///< of each node's line, one way
  double clock_drift_ppm = 50;                      ///< at most, of each machine
  int64_t pull_ms = 2'000, container_ms = 300;      ///< a runtime's calls take up to this
  double writes_per_s = 0;                          ///< ConfigMaps that a user changes
  int64_t letters_every_ms = 0;                     ///< a durable letter and a state of each node, so often; 0: none
  bool split = false;                               ///< what arrives comes in pieces
  std::vector<fault_rule> faults;
  std::vector<change_rule> changes;
  chaos_rule chaos;
};

/// Reads a scenario. Errors: errc::invalid, which names the field: unknown, of the wrong type, or out of bounds.
caf::expected<scenario> read_scenario(const json::value& document);

/// "1 h 5 min", "12.3 s", "0.2 s".
std::string format_duration(int64_t ms);

}  // namespace skerry::sim
