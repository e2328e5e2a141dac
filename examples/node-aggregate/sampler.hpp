#pragma once
#include "actors/base/context.hpp"
#include "tools/skerry/extensions.hpp"

namespace node_aggregate {

struct sampler_state {
  uint64_t readings = 0, tallies = 0;
};

/// On every node, at /node/<name>/app/samples/sampler: reads the machine's load five times a second, sends it to the
/// aggregate as a Reading, and every fifth time also counts a Tally. Its counters are in the agent's store, so that
/// they go on after a restart.
caf::behavior sampler(skerry::base::stateful<sampler_state>* self, const skerry::tools::app& app, std::string path);

}  // namespace node_aggregate
