#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <memory>

#include "actors/base/directory.hpp"
#include "actors/link/link_end.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/mesh_actor.hpp"
#include "schema/probe.capnp.h"
#include "sim/ports/memory_kv.hpp"
#include "sim/ports/sim_transport.hpp"
#include "test/mesh/virtual_parts.hpp"

namespace skerry::test {

/// Islands in one thread and virtual time, each with its own directory, mesh and disk, joined by the simulated network
/// without a session: what a link_end does is tested, not who owns it.
class mesh_world {
public:
  /// Carries one end of a connection for a mesh, as a session does.
  struct carrier {
    ports::connection_ptr connection;
    std::shared_ptr<link::link_end> end;
    link::frame_reader reader;
    caf::error broken;
    void start(link::mesh& m, const std::string& neighbour, ports::connection_ptr c) {
      connection = c;
      ports::connection::handlers h;
      h.on_bytes = [this](ports::bytes data) {
        std::vector<link::frame> frames;
        if (auto e = reader.feed(data, frames)) broken = e;
        for (auto& f : frames)
          if (auto e = end->on_frame(f)) broken = e;
        if (broken) connection->close();
      };
      h.on_drained = [this] { end->on_drained(); };
      h.on_end = [this](const caf::error&) { end->close(); };
      connection->start(std::move(h));
      end = *m.open(neighbour, c);
    }
  };
  struct island {
    island(mesh_world& w, const std::string& path, std::shared_ptr<sim::memory_kv> disk, const vocabulary& words)
        : disk(std::move(disk)),
          kv(*this->disk),
          links(link::mesh_args{w.sys, w.ctx, directory, words, path, path == "/cloud" ? "" : "/cloud", &kv,
                                w.block_ms}) {}
    std::shared_ptr<sim::memory_kv> disk;
    sim::memory_kv& kv;
    base::directory directory;
    link::mesh links;
    caf::actor worker;
  };
  /// The cloud's acceptor: the next connection is for this neighbour.
  struct door : ports::link_acceptor {
    mesh_world* world = nullptr;
    std::string expects;
    void on_link(ports::connection_ptr c) override {
      world->carriers.push_back(std::make_unique<carrier>());
      world->carriers.back()->start(world->at("/cloud").links, expects, std::move(c));
    }
  };

  explicit mesh_world(uint64_t seed = 1) : chance(seed) {
    clock.source = &coordinator().clock();
    add_standard(words);
    add("/cloud");
    cloud_door.world = this;
    net.listen("cloud:1", &cloud_door);
  }
  ~mesh_world() {
    islands_clear();
    coordinator().clock().cancel_all();
    while (coordinator().try_run_once()) {
    }
    coordinator().clock().cancel_all();
  }
  void islands_clear() {
    for (auto& a : actors) caf::anon_send_exit(a, caf::exit_reason::kill);
    actors.clear();
    for (auto& [path, i] : islands) i->links.stop();
    for (auto& [path, i] : islands)
      if (i->worker) caf::anon_send_exit(std::exchange(i->worker, nullptr), caf::exit_reason::kill);
    while (coordinator().try_run_once() || net.step()) {
    }
    carriers.clear();
  }

  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  }
  island& at(const std::string& path) { return *islands.at(path); }
  island& add(const std::string& path) { return add(path, words); }
  /// An island that speaks other words: of another version.
  island& add(const std::string& path, const vocabulary& other) {
    auto& i = islands[path] = std::make_unique<island>(*this, path, std::make_shared<sim::memory_kv>(), other);
    start_worker(*i);
    return *i;
  }
  /// The power of an island goes, and comes back: its actors and connections end, what was not synced is lost; without
  /// its disk, all is.
  void restart(const std::string& path, bool with_disk = true) {
    net.cut();
    auto old = std::move(islands.at(path));
    old->links.stop();
    for (auto& p : old->directory.list()) caf::anon_send_exit(old->directory.find(p), caf::exit_reason::kill);
    while (coordinator().try_run_once() || net.step()) {
    }
    auto disk = with_disk ? old->disk : std::make_shared<sim::memory_kv>();
    disk->crash();
    graves.push_back(std::move(old));  // proxies of it may still be held
    islands[path] = std::make_unique<island>(*this, path, disk, words);
    start_worker(at(path));
  }
  /// Kills the actor at a path.
  void end(const std::string& path) {
    auto& d = at(std::string{paths::island_of(path)}).directory;
    auto a = d.find(path);
    if (!a) return;
    caf::anon_send_exit(a, caf::exit_reason::kill);
    settle();
    d.erase(path, a.id());
  }
  void start_worker(island& i) {
    BOOST_REQUIRE(!i.links.load());
    i.worker = sys.spawn(link::mesh_actor, link::mesh_actor_args{ctx, i.links, i.links.island() + "/mesh", {}});
    i.directory.put(i.links.island() + "/mesh", i.worker);
  }
  /// Joins an island to the cloud.
  void join(const std::string& path) {
    connect(path);
    settle();
  }
  /// Both ends have a connection, over which nothing has come yet.
  void connect(const std::string& path) {
    cloud_door.expects = path;
    carriers.push_back(std::make_unique<carrier>());
    auto* mine = carriers.back().get();
    auto connected = std::make_shared<bool>(false);
    net.connect("cloud:1", {}, 1000, [this, mine, path, connected](caf::expected<ports::connection_ptr> c) {
      *connected = true;
      if (c) mine->start(at(path).links, "/cloud", *c);
    });
    while (!*connected) net.step();
  }
  /// Puts an actor at a path.
  template <class F>
  caf::actor put(const std::string& path, F behave) {
    auto a = sys.spawn([behave](caf::event_based_actor* self) -> caf::behavior {
      self->set_down_handler([](caf::scheduled_actor*, caf::down_msg&) {});
      return behave(self);
    });
    at(std::string{paths::island_of(path)}).directory.put(path, a);
    actors.push_back(a);
    return a;
  }
  caf::actor handle(const std::string& from, const std::string& path) {
    auto a = at(from).links.resolve(path);
    BOOST_REQUIRE_MESSAGE(a, (a ? std::string{} : message_of(a.error())));
    return *a;
  }
  template <class F>
  void run(F f) {
    actors.push_back(sys.spawn([f](caf::event_based_actor* self) {
      f(self);
      self->become([](const letter<schema::Probe>&) {});  // what handlers return to a send comes back, as at home
    }));
    settle();
  }

  /// Until nothing is left to do but wait.
  void settle() {
    for (bool more = true; more;) {
      more = false;
      while (coordinator().try_run_once()) more = true;
      while (net.step()) more = true;
    }
  }
  bool turn() {
    auto& jobs = coordinator().jobs;
    if (chance.below(2) == 0 && net.step()) return true;
    if (!jobs.empty()) {
      std::swap(jobs.front(), jobs[chance.below(jobs.size())]);
      return coordinator().try_run_once();
    }
    return net.step() || coordinator().clock().trigger_timeout();
  }
  void pass(int64_t virtual_ms) {
    auto end = clock.steady_ms() + virtual_ms;
    auto wake = sys.spawn([virtual_ms](caf::event_based_actor* self) {
      self->delayed_send(self, std::chrono::milliseconds(virtual_ms), caf::unit);
      self->become([self](caf::unit_t) { self->quit(); });
    });
    while (clock.steady_ms() < end && turn()) {
    }
    settle();
  }
  template <class F>
  bool until(F holds, int64_t virtual_ms = 60'000) {
    auto end = clock.steady_ms() + virtual_ms;
    while (!holds()) {
      if (clock.steady_ms() > end) return false;
      if (!turn()) return holds();
    }
    return true;
  }
  link::link_figures figures(const std::string& on, const std::string& of) {
    for (auto& f : at(on).links.links())
      if (f.island == of) return f;
    return {};
  }

  static caf::actor_system_config& quiet(caf::actor_system_config& c) {
    c.set("scheduler.policy", caf::atom("testing"));
    return c;
  }

  seeded_chance chance;
  uint32_t block_ms = 0;  ///< of islands added from now on; real time
  virtual_clock clock;
  quiet_log log;
  context ctx{clock, chance, log};
  vocabulary words;
  sim::sim_network net{chance};
  door cloud_door;
  caf::actor_system_config config;
  caf::actor_system sys{quiet(config)};
  std::map<std::string, std::unique_ptr<island>> islands;
  std::vector<std::unique_ptr<island>> graves;
  std::vector<std::unique_ptr<carrier>> carriers;
  std::vector<caf::actor> actors;
};

template <class T = schema::Probe>
letter<T> probe(uint64_t number, const std::string& key = {}, size_t bytes = 0) {
  return letter<T>::build([&](typename T::Builder b) {
    b.setNumber(number);
    if (!key.empty()) b.setKey(key);
    if (bytes > 0) b.initBody(static_cast<unsigned>(bytes));
  });
}

/// Doubles what it is asked, and keeps what it is told.
struct counter {
  std::vector<uint64_t> seen;
  std::vector<caf::strong_actor_ptr> senders;
  auto behave() {
    return [this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const letter<schema::Probe>& p) {
                seen.push_back((*p).getNumber());
                senders.push_back(self->current_sender());
                return probe((*p).getNumber() * 2);
              },
              [this](const letter<schema::ProbeState>& p) { seen.push_back((*p).getNumber()); }};
    };
  }
};

/// Takes Probe and never answers.
inline caf::behavior silent(caf::event_based_actor* self) {
  auto kept = std::make_shared<std::vector<caf::response_promise>>();
  return {[self, kept](const letter<schema::Probe>&) {
    kept->push_back(self->make_response_promise());
    return kept->back();
  }};
}

}  // namespace skerry::test
