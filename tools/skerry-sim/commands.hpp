#pragma once
#include <optional>
#include <string>
#include <vector>

#include "sim/fleet/fleet.hpp"
#include "sim/load/manifests.hpp"

namespace skerry::tools {

/// What `skerry-sim` was told.
struct sim_options {
  std::string command, what;  ///< "run", and a scenario's name or file
  std::optional<uint32_t> nodes, pods_per_node, devices_per_node;
  std::optional<int64_t> duration_ms;
  uint64_t seed = 1, seeds = 1;
  unsigned jobs = 0;      ///< 0: one for each core
  int64_t within_ms = 0;  ///< of real time: then no new run begins; 0: no bound
  std::vector<uint32_t> without;
  std::vector<std::string> apply;  ///< files with objects of the user's own
  std::string plant, report, trace;
  std::string serve;      ///< "127.0.0.1:7443": the cloud answers there; empty: nowhere
  std::string serve_dir;  ///< of its kubeconfig; empty: one that goes with the run
  double speed = 1;       ///< virtual time for each real one; 0: as fast as it goes
  bool json = false, log = false;
};

/// A run that can be done again, as files in test/seeds/ and the line that replays it say.
struct recipe {
  sim::scenario plan;
  std::string what;
  uint64_t seed = 1;
  std::vector<uint32_t> without;
  std::string plant;
  std::vector<std::string> apply;
  std::vector<sim::manifest> manifests;  ///< what those files hold
  /// "skerry-sim run chaos --seed 7 --nodes 50".
  std::string line() const;
};

/// A finished run with what it took.
struct finished {
  sim::outcome out;
  double real_s = 0;        ///< in all, without taking the world down
  double real_start_s = 0;  ///< from nothing to all Running
  double real_life_s = 0;   ///< from then on to the end of its duration
  uint64_t life_events = 0;
  uint64_t peak_rss_bytes = 0;
};

/// Names of the scenarios that come along, with what they are about.
std::vector<std::pair<std::string, std::string>> known_scenarios();
/// Reads a scenario by its name or its file, with what the options say otherwise. Errors: errc::not_found, invalid.
caf::expected<recipe> read_recipe(const sim_options& o);
/// Reads a file of test/seeds/. Errors: as above.
caf::expected<recipe> read_seed_file(const std::string& path);

/// Reads a file of objects: YAML of one or several documents, or JSON; the items of a List one by one. Errors:
/// errc::not_found, errc::invalid with file, document and what is wrong.
caf::expected<std::vector<sim::manifest>> read_manifests(const std::string& path);

/// What a fleet of this recipe is made with.
sim::run_options options_of(const recipe& r);
/// Plays it while its cloud answers HTTPS at o.serve, until SIGINT or SIGTERM. The process's exit code.
int serve(const sim_options& o, const recipe& r);

/// Plays it. Progress goes to the terminal, if there is one and `quiet` is not set.
/// Every event goes into the file `trace`, a line each, if that is not empty: what two runs did differently shows
/// there.
finished play(const recipe& r, bool quiet, bool log, const std::string& trace = {});
/// One JSON object (DESIGN.md, section 6).
std::string json_of(const recipe& r, const finished& f);
/// Some lines for people.
std::string text_of(const recipe& r, const finished& f);
/// Writes DIR/index.html. Errors: errc::io.
caf::expected<void> write_report(const std::string& dir, const recipe& r, const finished& f);

int run_seeds(const sim_options& o, const recipe& r);
int shrink(const sim_options& o, recipe r);

}  // namespace skerry::tools
