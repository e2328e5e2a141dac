#pragma once
#include "tools/skerry-bench/bench.hpp"

namespace skerry::bench {

/// What samples of slowly changing values take on the disks of a node that is cut off, and of the cloud.
void sample_bytes(figures& out);

}  // namespace skerry::bench
