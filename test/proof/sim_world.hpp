#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "actors/base/directory.hpp"
#include "actors/link/link_end.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/mesh_actor.hpp"
#include "sim/ports/fault_env.hpp"
#include "sim/ports/sim_pki.hpp"
#include "sim/ports/sim_transport.hpp"
#include "test/mesh/virtual_parts.hpp"
#include "test/proof/app.hpp"
#include "test/proof/record.hpp"
#include "test/store/scratch.hpp"

namespace skerry::test::proof {

/// Meshes in one thread and virtual time, each on a LevelDB of its own whose disk loses what was not synced, joined by
/// the simulated network with its faults. Islands are killed and started again. The cloud is "/cloud"; all others join
/// it, and again after each cut.
class sim_world : ports::link_acceptor {
public:
  /// A store that tells when what was written is safe from power cuts, and takes nothing more once its process is dead:
  /// what of it still runs here, until its actors have ended, leaves no trace.
  struct watched_kv : ports::kv {
    ports::kv* inner = nullptr;
    bool dead = false;
    std::function<void()> synced;
    caf::expected<void> write(const ports::kv_batch& batch, bool sync) override {
      if (dead) return make_error(errc::unavailable, "the process is dead");
      auto done = inner->write(batch, sync);
      if (done && sync && synced) synced();
      return done;
    }
    caf::expected<std::optional<std::string>> get(std::string_view key) const override { return inner->get(key); }
    caf::expected<void> scan(std::string_view first, std::string_view last,
                             const std::function<bool(std::string_view, std::string_view)>& visit) const override {
      return inner->scan(first, last, visit);
    }
    caf::expected<void> sync() override {
      if (dead) return make_error(errc::unavailable, "the process is dead");
      auto done = inner->sync();
      if (done && synced) synced();
      return done;
    }
    void compact(std::string_view first, std::string_view last) override { inner->compact(first, last); }
  };
  /// Carries one end of a connection for a mesh, as a session does: frames in, a ping now and then, an end when nothing
  /// is heard for too long.
  struct carrier {
    ports::connection_ptr connection;
    std::shared_ptr<link::link_end> end;
    link::frame_reader reader;
    std::string island;  ///< whose end it is
    int64_t heard_ms = 0, pinged_ms = 0;
    bool over = false;
  };
  struct island {
    std::string path;
    std::string folder;
    sim::fault_env disk{leveldb::Env::Default()};
    std::unique_ptr<ports::kv> store;
    watched_kv kv;
    std::unique_ptr<base::directory> directory;
    std::unique_ptr<link::mesh> links;
    std::map<std::string, std::function<caf::actor()>> apps;  ///< by path; started again when they die
    std::map<std::string, caf::actor> actors;
    std::shared_ptr<carrier> line;  ///< of an island that joins; null: to be connected
    bool connecting = false;
    int64_t connect_ms = 0;
    uint64_t life = 0;
    std::vector<std::pair<sent_record*, uint64_t>> unsynced;  ///< durable letters that a power cut may take
  };

  explicit sim_world(uint64_t seed);
  ~sim_world() override;

  /// Adds an island; its apps are started by `start`.
  island& add(const std::string& path);
  void start(island& i);
  void stop(island& i, bool power_cut);
  /// Starts again what crashed, connects what is cut, pings and gives up what is silent.
  void tend();

  /// One thing happens, drawn by chance.
  bool turn();
  template <class F>
  bool until(F holds, int64_t virtual_ms) {
    for (auto end = clock.steady_ms() + virtual_ms; !holds();)
      if (clock.steady_ms() > end || !turn()) return holds();
    return true;
  }

  /// Sends a durable letter, and keeps what is known of it.
  void send_fact(island& from, const std::string& to, sent_record& record, size_t bytes);
  void wrong(const std::string& what) { wrongs.insert(what); }
  caf::actor handle(island& from, const std::string& path);

  scratch dir;
  seeded_chance chance;
  virtual_clock clock;
  quiet_log log;
  context ctx{clock, chance, log};
  vocabulary words;
  sim::sim_network net{chance};
  sim::sim_pki pki{clock, chance};
  ports::key_pair ca;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> sys;
  std::map<std::string, std::unique_ptr<island>> islands;
  std::set<std::string> wrongs;  ///< what must not be
  std::vector<std::shared_ptr<carrier>> carriers;
  uint64_t app_crashes = 0, power_cuts = 0, kills = 0, joined = 0;

private:
  uint64_t turns_ = 0;
  void on_link(ports::connection_ptr c) override;
  void carry(island& i, const std::string& neighbour, ports::connection_ptr c);
  void connect(island& i);
  void start_app(island& i, const std::string& path);
  void drain();
  bool pass_time();
  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys->scheduler());
  }
};

}  // namespace skerry::test::proof
