#pragma once
#include <string>
#include <vector>

#include "sim/fleet/scenario.hpp"

namespace skerry::sim {

/// Something that befalls a fleet, with all that is drawn drawn.
struct fault {
  uint32_t number = 0;  ///< its place in the schedule: a run can be told to leave it out
  fault_kind kind = fault_kind::partition;
  int64_t at_ms = 0, for_ms = 0;  ///< since all runs for the first time
  bool cloud = false;             ///< else the nodes
  std::vector<uint32_t> nodes;    ///< their numbers, ascending
  bool up = true, down = true, power = false;
  int64_t jump_ms = 0, latency_ms = 0;

  int64_t end_ms() const { return at_ms + for_ms; }
  /// "partition of 5 nodes (n3, n7, n20, ...) at 1 h 5 min for 30.0 s".
  std::string text() const;
};

/// All that befalls a fleet of this scenario with this seed, by time. Nothing lasts longer than the scenario.
std::vector<fault> draw_schedule(const scenario& s, uint64_t seed);

/// The number of a node's region: nodes are dealt out to the regions in turn.
inline uint32_t region_of(const scenario& s, uint32_t node) { return node % s.regions; }

}  // namespace skerry::sim
