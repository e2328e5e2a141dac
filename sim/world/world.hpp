#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "actors/link/hub.hpp"
#include "actors/sdk/objects.hpp"
#include "schema/vocabulary.hpp"
#include "sim/ports/seeded_random.hpp"
#include "sim/ports/sim_pki.hpp"
#include "sim/ports/sim_transport.hpp"
#include "sim/world/island.hpp"
#include "sim/world/request.hpp"
#include "supervisors/cloud_tree.hpp"

namespace skerry::sim {

/// Time of a world: that of CAF's timers.
struct virtual_clock final : ports::clock {
  static constexpr int64_t start_ms = 1'000'000;  ///< what the steady clock says when a world begins
  caf::detail::test_actor_clock* source = nullptr;
  int64_t steady_ms() const override;
  int64_t wall_at_zero_ms = 1'790'000'000'000;
  int64_t wall_ms() const override { return wall_at_zero_ms + steady_ms(); }
};

struct world_options {
  uint64_t seed = 1;
  ports::log* log = nullptr;                      ///< what the islands log goes there; null: nowhere
  size_t reports_max = 256;                       ///< crash reports that each island keeps
  std::function<void(vocabulary&)> more_words{};  ///< adds messages to the standard ones
  /// A part of others at /cloud/app/<id>: makes what starts its actor, for each world.
  struct app {
    std::string id;
    std::function<supervisors::start_function(island& cloud)> make;
  };
  std::vector<app> apps{};
  /// Hears of every event, as it goes into the trace: when, what kind, who or what.
  std::function<void(int64_t at_ms, const char* kind, uint64_t number, std::string_view who)> told{};
  std::vector<std::string> images{"app:1"};  ///< what the registry has
  bool any_image = false;                    ///< the registry has whatever is asked for
  int64_t wall_ms = 0;                       ///< what clocks say at the beginning; 0: the same day in all worlds
  decltype(api::parts::yaml) yaml{};         ///< reads YAML bodies of requests; empty: they are refused
  int64_t runtime_delay_ms = 20;             ///< how long each call of a container runtime takes
};

/// A whole cloud and edge nodes, the trees that the mains start, over simulated ports, in one thread and virtual time.
/// What happens next is drawn from one seed: which actor takes its turn, how many bytes arrive, what a container does.
class world {
public:
  explicit world(world_options options);
  ~world();

  /// Switches on a machine that was not there before. Its name is a DNS label; labels are those of its Node.
  edge& add_edge(const std::string& name, std::map<std::string, std::string> labels = {});

  /// One thing happens: an actor's turn, a step of the network, of a runtime; where there is none, time passes to the
  /// next that is due. Throws std::runtime_error when time stands still: then somebody does the same again and again.
  void turn();
  void pass(int64_t virtual_ms);
  /// Turns until `holds`; false if that took longer than `virtual_ms`.
  template <class F>
  bool until(F holds, int64_t virtual_ms = 5 * 60'000) {
    auto end = clock.steady_ms() + virtual_ms;
    while (!holds()) {
      if (clock.steady_ms() > end) return false;
      turn();
    }
    return true;
  }

  /// The process of an island is killed, as by kill -9, and started again after `down_ms` (-1: when `start` is called).
  /// With `power` its machine loses its power: containers end, what was not synced is lost, and nobody is told that the
  /// connections are gone.
  void crash(island& i, bool power, int64_t down_ms);
  void start(island& i);

  std::vector<island*> islands();
  /// Actors that run, of all islands.
  size_t running() { return sys.registry().running(); }
  /// Entries of all directories.
  size_t listed();
  /// How often the cloud's machine lost its power, and with it what was not synced.
  uint64_t power_cuts() const { return cloud.power_cuts; }
  /// What happened so far: turns, deliveries, runtimes' acts and timers.
  uint64_t events() const { return events_; }
  /// A digest of all that happened so far, in its order. The same seed and the same calls give the same.
  uint64_t trace() const { return trace_; }

  /// The object at a path of the API, read from the newest view; null if there is none.
  json::value get(const std::string& target);
  /// Does `pod` run on its node, as the API and the runtime both say?
  bool runs(const json::value& pod);
  edge* edge_of(std::string_view name);

  /// Time does not pass over this: somebody outside does something then (steady milliseconds); 0: nobody.
  int64_t clients_due_ms = 0;
  const world_options options;
  seeded_random chance;
  virtual_clock clock;
  struct no_log final : ports::log {
    bool enabled(ports::severity) const override { return false; }
    void write(ports::severity, std::string_view, std::string_view) override {}
  } silence;
  sim_network net{chance};
  vocabulary words;
  kube::registry registry;
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  link::acceptor acceptor;
  island cloud;
  telemetry::series_store series{cloud.disk, {}};
  sim_pki pki{clock, chance};
  ports::key_pair authority;
  std::vector<std::unique_ptr<edge>> edges;
  std::unique_ptr<api::parts> api;
  std::unique_ptr<link::cloud_parts> link;
  std::unique_ptr<supervisors::cloud_tree_parts> tree;
  std::unique_ptr<api::front> front;
  caf::actor_system_config config;
  caf::actor_system sys;

private:
  void make_cloud();
  /// What a main does before it starts its tree: the links, with the journal that the last process left.
  caf::error make_mesh(island& i);
  void bury(island& i, bool power);
  /// A process whose root ended is started again a little later, as systemd does it.
  void start_what_ended();
  bool run_a_job();
  bool run_a_runtime();
  void let_time_pass();
  ports::log& log() { return options.log != nullptr ? *options.log : silence; }
  void note(uint64_t kind, uint64_t what, const caf::scheduled_actor* who = nullptr);
  caf::scheduler::test_coordinator& coordinator_;
  std::vector<island*> ended_;                ///< just now
  std::multimap<int64_t, island*> restarts_;  ///< when who is started
  using due = std::pair<int64_t, size_t>;     // never a pointer: its order would differ from run to run
  std::priority_queue<due, std::vector<due>, std::greater<>>
      runtimes_;  ///< when which edge's runtime has something to do
  std::map<std::string, edge*, std::less<>> by_name_;
  int64_t turned_ms_ = 0;
  uint64_t turns_ = 0;  ///< since time passed
  uint64_t events_ = 0, trace_ = 0;
  bool closing_ = false;
};

/// How a part of an island reaches others by their paths, for sdk::objects and sdk::informer. The island outlives it.
sdk::resolver resolver_of(island& i);

}  // namespace skerry::sim
