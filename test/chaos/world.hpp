#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <memory>
#include <random>

#include "actors/link/hub.hpp"
#include "actors/link/mesh.hpp"
#include "schema/vocabulary.hpp"
#include "sim/ports/memory_kv.hpp"
#include "sim/ports/sim_files.hpp"
#include "sim/ports/sim_machine.hpp"
#include "sim/ports/sim_pki.hpp"
#include "sim/ports/sim_prober.hpp"
#include "sim/ports/sim_runtime.hpp"
#include "sim/ports/sim_transport.hpp"
#include "supervisors/cloud_tree.hpp"
#include "supervisors/edge_tree.hpp"
#include "test/chaos/client.hpp"

namespace skerry::test::chaos {

struct seeded_random final : ports::random {
  explicit seeded_random(uint64_t seed) : engine(seed) {}
  uint64_t next() override { return engine(); }
  uint64_t below(uint64_t n) { return engine() % n; }
  std::mt19937_64 engine;
};

/// A whole cloud and edge nodes, the trees that the mains start, over simulated ports, in one thread and virtual time.
/// What happens next is drawn from one seed: which actor takes its turn, how many bytes arrive, what a container does.
class world {
public:
  world(uint64_t seed, int nodes);
  ~world();

  /// One thing happens: an actor's turn, a step of the network, of a runtime; where there is none, time passes to the
  /// next that is due. Throws when time stands still: then somebody does the same again and again.
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

  /// One process: what a main builds around its tree.
  struct island {
    island(const context& ctx, std::string path, ports::kv& disk)
        : path(std::move(path)), disk(disk), services{ctx, directory, crashes} {}
    std::string path;
    ports::kv& disk;
    base::directory directory;
    supervisors::crash_log crashes{100'000};  ///< as good as all
    supervisors::services services;
    std::unique_ptr<link::mesh> mesh;                 ///< of the process that runs now
    std::vector<std::unique_ptr<link::mesh>> graves;  ///< of those before: somebody may still hold a proxy of them
    caf::actor root;
    std::function<caf::actor()> start;
    uint64_t starts = 0;
  };
  struct edge : island {
    edge(const context& ctx, ports::clock& clock, std::string name)
        : island(ctx, "/node/" + name, kv), name(std::move(name)), runtime(clock) {}
    std::string name;
    sim::memory_kv kv;
    sim::sim_runtime runtime;
    sim::sim_files files;
    sim::sim_prober prober;
    sim::sim_machine machine;
    std::unique_ptr<supervisors::edge_tree_parts> tree;
  };
  std::vector<island*> islands();
  /// Actors that run, of all islands.
  size_t running() { return sys.registry().running(); }
  /// Entries of all directories.
  size_t listed();
  /// How often the cloud's machine lost its power, and with it what was not synced.
  uint64_t power_cuts() const { return power_cuts_; }

  /// The object at a path of the API, read from the newest view; null if there is none.
  json::value get(const std::string& target);
  /// Does `pod` run on its node, as the API and the runtime both say?
  bool runs(const json::value& pod);

  struct virtual_clock final : ports::clock {
    caf::detail::test_actor_clock* source = nullptr;
    int64_t steady_ms() const override;
    int64_t wall_ms() const override { return 1'790'000'000'000 + steady_ms(); }
  };
  struct quiet_log final : ports::log {
    bool loud = std::getenv("SKERRY_TEST_LOG") != nullptr;
    const ports::clock* clock = nullptr;
    bool enabled(ports::severity) const override { return loud; }
    void write(ports::severity, std::string_view who, std::string_view text) override;
  };

  int64_t clients_due_ms = 0;  ///< when the clients do something next: time does not pass over it
  seeded_random chance;
  virtual_clock clock;
  quiet_log log;
  context ctx{clock, chance, log};
  sim::sim_network net{chance};
  sim::sim_pki pki{clock, chance};
  ports::key_pair authority;
  sim::memory_kv kv;
  vocabulary words;
  kube::registry registry;
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  link::acceptor acceptor;
  island cloud{ctx, "/cloud", kv};
  std::vector<std::unique_ptr<edge>> edges;
  std::unique_ptr<api::parts> api;
  std::unique_ptr<link::cloud_parts> link;
  std::unique_ptr<supervisors::cloud_tree_parts> tree;
  std::unique_ptr<api::front> front;
  caf::actor_system_config config;
  caf::actor_system sys;

private:
  void make_cloud();
  void make_edge(const std::string& name);
  void start(island& i);
  /// What a main does before it starts its tree: the links, with the journal that the last process left.
  void make_mesh(island& i);
  /// A process whose root ended is started again a little later, as systemd does it.
  void start_what_ended();
  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  }
  bool run_a_job();
  bool run_a_runtime();
  void let_time_pass();
  std::vector<island*> ended_;                         ///< just now
  std::vector<std::pair<int64_t, island*>> restarts_;  ///< when who is started
  int64_t turned_ms_ = 0;
  uint64_t turns_ = 0;                                           ///< since time passed
  std::map<const island*, std::pair<uint64_t, size_t>> listed_;  ///< version of a directory -> its entries
  uint64_t power_cuts_ = 0;
  bool closing_ = false;
};

}  // namespace skerry::test::chaos
