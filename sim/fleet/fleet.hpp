#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/fleet/observer.hpp"
#include "sim/fleet/part.hpp"
#include "sim/fleet/schedule.hpp"
#include "sim/invariants/invariant.hpp"
#include "sim/world/world.hpp"

namespace skerry::sim {

class applications;
class user_writes;
class node_letters;

struct run_options {
  uint64_t seed = 1;
  ports::log* log = nullptr;
  std::vector<uint32_t> without{};               ///< numbers of faults that are left out
  std::string plant{};                           ///< a bug to plant (`planted_bugs`); empty: none
  decltype(world_options::told) told{};          ///< hears of every event
  std::function<void(const fleet&)> progress{};  ///< called every few thousand events
  std::vector<std::string> images{};             ///< that the registry has, beside those of the applications
  bool any_image = false;                        ///< the registry has whatever is asked for
  int64_t wall_ms = 0;                           ///< what clocks say at the beginning; 0: the same day in all runs
  decltype(world_options::yaml) yaml{};          ///< reads YAML bodies; empty: they are refused
  std::vector<world_options::app> apps{};        ///< parts of the cloud: controllers of others
  std::vector<std::shared_ptr<part>> parts{};    ///< beside the applications and loads of the scenario
};

/// How a fleet is at one moment.
struct sample {
  int64_t at_ms = 0;  ///< since the beginning of the world
  size_t nodes_ready = 0, pods = 0, pods_running = 0, connections = 0;
  uint64_t waiting = 0;  ///< letters that are not delivered, on all links, both sides
  int64_t lag_ms = 0;    ///< of the link whose oldest letter has waited longest
  uint64_t bytes = 0;    ///< that crossed the links so far
};

/// A fault as it was carried out. Times since the beginning of the world.
struct band {
  int64_t from_ms = 0, to_ms = 0;
  fault_kind kind = fault_kind::partition;
  std::string text;
};

struct outcome {
  bool ok = false;
  std::string broke;  ///< name of the invariant that does not hold; "converged", "started" if that did not happen
  std::string why;
  int64_t broke_ms = 0;  ///< since the beginning of the world
  int64_t virtual_ms = 0;
  int64_t started_ms = -1;    ///< from nothing to all Running; -1: never
  int64_t converged_ms = -1;  ///< after the last fault; -1: never
  uint64_t settle_bytes = 0;  ///< that crossed the links in that time
  uint64_t events = 0, trace = 0;
  std::map<std::string, uint64_t> invariants;  ///< how often each was checked
  std::vector<sample> samples;
  std::vector<band> bands;
  json::object metrics;  ///< of the parts
};

/// A run of a scenario: a world, its load, what befalls it, and what must hold all the while.
class fleet {
public:
  fleet(scenario s, run_options o);
  ~fleet();

  outcome run();

  /// Begins a run that `advance` steps, for as long as somebody likes: the scenario is played, and after its duration
  /// the fleet lives on. Instead of `run`.
  void go_live();
  /// Lets virtual time pass to `to_ms` (since the beginning; at least a millisecond), or less if that takes more turns.
  /// Throws std::runtime_error when time stands still.
  void advance(int64_t to_ms, uint64_t turns_max);
  /// What is known of the run so far.
  const outcome& result() const { return out_; }

  // -- for parts and invariants ---------------------------------------------------------------------------------------

  const scenario plan;
  const run_options options;
  const std::vector<fault> schedule;
  const std::shared_ptr<node_letters> letters;  ///< null: none
  world w;
  std::unique_ptr<observer> eyes;
  const std::shared_ptr<applications> apps;
  const std::shared_ptr<user_writes> writes;  ///< null: none

  /// A node, and what befell it.
  struct node {
    edge* machine = nullptr;
    int held_up = 0, held_down = 0, down = 0, full = 0;
    uint64_t power_cuts = 0, crashes = 0, disk_faults = 0;
    bool off_line() const { return held_up > 0 && held_down > 0; }
    /// Containers that ran when its line was last held, both ways: they must run on. Empty while it is not.
    std::vector<std::string> must_run;
  };
  std::vector<node> nodes;
  node cloud;
  node* node_of(std::string_view name);
  bool registry_gone() const { return registry_gone_ > 0; }
  /// Have all faults of the schedule begun and ended?
  bool quiet() const { return quiet_; }

  /// Since the beginning of the world.
  int64_t now_ms() const { return w.clock.steady_ms() - virtual_clock::start_ms; }
  /// Calls `what` when `in_ms` have passed.
  void after(int64_t in_ms, std::function<void()> what);
  /// Sends a request to the API until it is answered well (or with one of `also`); calls `done` then.
  void ask(std::string method, std::string target, std::string body, std::string type,
           std::function<void(const call&)> done, std::vector<int> also = {});
  /// Requests of `ask` without an answer.
  size_t asking() const { return asking_; }
  /// An invariant does not hold: the run ends. The first one counts.
  void broke(std::string_view invariant, std::string why);
  /// What has not converged; empty: nothing.
  std::string missing();
  /// Somebody has asked for a change that ends pods.
  bool pods_may_end() const;
  /// How many pods are to be there, by all parts.
  size_t pods_wanted();

private:
  void switch_on();
  void begin();
  void unleash();
  void await_all();
  void fire_due();
  void run_to(int64_t at_ms);
  bool settle(int64_t within_ms);
  void fire();
  void apply(const fault& f);
  void undo(const fault& f);
  void hold(const fault& f, int by);
  void take_down(const fault& f);
  void bring_up(const fault& f);
  void heal();
  void look();
  void take_sample();
  std::string missing_on_nodes();
  struct question {
    std::string method, target, body, type;
    std::function<void(const call&)> done;
    std::vector<int> also;
  };
  void submit(std::shared_ptr<const question> q);
  void await(std::shared_ptr<const question> q, call_ptr c);

  std::vector<std::shared_ptr<part>> parts_;
  std::vector<std::unique_ptr<invariant>> invariants_;
  std::map<std::string, uint32_t, std::less<>> numbers_;  ///< of nodes that were switched on, by name
  std::multimap<int64_t, std::function<void()>> due_;
  std::map<uint32_t, fault> standing_;
  outcome out_;
  int64_t look_ms_ = 1'000, sample_ms_ = 1'000;
  int64_t stop_ms_ = -1;  ///< live: where time stops next
  int registry_gone_ = 0;
  int64_t slower_ms_ = 0;
  size_t asking_ = 0;
  bool quiet_ = false, broken_ = false;
};

}  // namespace skerry::sim
