#pragma once
#include <string>
#include <vector>

namespace skerry::bench {

/// What one link does between two processes on loopback, with the load of link_load.hpp.
struct mesh_figures {
  double fleeting_per_second = 0;
  double durable_per_second = 0;  ///< journaled, group-committed on both sides, acknowledged
  double round_trip_us = 0;       ///< p50
};
/// `durable`: measure that too. Throws std::runtime_error.
mesh_figures measure_mesh(const std::string& policy, bool tls, bool durable);

/// Durable letters a second over TLS when each byte takes `delay_ms` each way.
double measure_durable_far(uint32_t delay_ms);

/// One cloud process sends `letters_per_second` to each of `links` nodes in another process, over TLS.
struct fleet_figures {
  double p50_ms = 0, p99_ms = 0;                  ///< from the send to the handler, all links
  double stalled_p50_ms = 0, stalled_p99_ms = 0;  ///< the same of the others while one link reads nothing
  double per_second = 0;                          ///< arrived
};
fleet_figures measure_fleet(int links, int letters_per_second, int seconds);

/// A folder on a disk (below $SKERRY_BENCH_DIR, or /var/tmp), removed with its object.
struct link_folder {
  link_folder();
  ~link_folder();
  link_folder(const link_folder&) = delete;
  std::string path;
};

/// The helper's side: "cloud POLICY TLS FOLDER" or "fleet LINKS FOLDER"; and for those who tune, one measurement alone:
/// "once POLICY tls|plain durable|fleeting", "many LINKS LETTERS-PER-SECOND SECONDS".
int fleet_helper(int links, const std::string& folder);
int mesh_helper(const std::vector<std::string>& arguments);

}  // namespace skerry::bench
