#pragma once
#include <string>

namespace skerry::bench {

/// What CAF's own network layer (BASP, caf::io) does between two processes on loopback, without TLS, with the load
/// of link_load.hpp.
struct basp_figures {
  double per_second = 0;     ///< one way
  double round_trip_us = 0;  ///< p50
};

/// Measures it with a scheduler policy, "sharing" or "stealing", in both processes. Throws std::runtime_error.
basp_figures measure_basp(const std::string& policy);

/// The helper's side: publishes a sink and an echo, tells their ports, waits for the end of its input.
int basp_receiver(const std::string& policy);

}  // namespace skerry::bench
