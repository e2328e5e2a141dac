#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <memory>
#include <set>

#include "actors/base/directory.hpp"
#include "actors/controllers/node_sync.hpp"
#include "actors/controllers/status_writer.hpp"
#include "actors/link/desired.hpp"
#include "actors/link/digest.hpp"
#include "actors/link/hub.hpp"
#include "actors/link/link_client.hpp"
#include "actors/store/store.hpp"
#include "sim/ports/memory_kv.hpp"
#include "sim/ports/sim_pki.hpp"
#include "sim/ports/sim_transport.hpp"
#include "supervisors/crash_log.hpp"
#include "supervisors/pool.hpp"
#include "test/mesh/virtual_parts.hpp"

namespace skerry::test {

/// The edge's agent as the link sees it: holds what it is given, on "disk" before it answers.
struct fake_agent {
  struct held {
    std::string uid;
    uint64_t revision = 0;
    store::object object;
  };
  std::map<store::object_key, held> holds;
  uint64_t complete = 0;
  bool connected = false;
  size_t puts = 0, drops = 0, frames = 0;
  std::vector<std::string> order;  ///< names put, as they came
  bool refuse = false;

  caf::behavior behave() {
    return {
        [this](const link::get_inventory&) {
          link::inventory out;
          out.complete = complete;
          for (auto& [key, h] : holds) out.objects.push_back({key, h.uid, h.revision});
          return out;
        },
        [this](const link::desired_changes& m) -> caf::result<void> {
          if (refuse) return make_error(errc::full, "disk full");
          ++frames;
          for (auto& d : m.drop) {
            auto i = holds.find(d.key);
            if (i != holds.end() && i->second.uid == d.uid) holds.erase(i), ++drops;
          }
          for (auto& o : m.put) {
            holds[store::key_of(o)] = {std::string{store::uid_of(o)}, store::revision_of(o), o};
            order.emplace_back(store::name_of(o));
            ++puts;
          }
          if (m.last) complete = m.revision;
          return caf::unit;
        },
        [this](const link::link_state& m) { connected = m.connected; },
    };
  }
};

/// A cloud and edges in one thread and virtual time: the real store, status_writer, node_sync, pool, hub and
/// link_client, over memory and the simulated network.
class world {
public:
  struct edge {
    std::string node;
    sim::memory_kv kv;
    fake_agent state;
    caf::actor agent, link;
    ports::client_credentials credentials;
  };

  explicit world(uint64_t seed) : chance(seed) {
    clock.source = &coordinator().clock();
    ca = *pki.make_authority("skerry", 3650);
    parts = std::make_unique<link::cloud_parts>(link::cloud_parts{ctx, *views, pki, ca, "cluster-1", 365,
                                                                  finder("pool"), finder("status_writer"),
                                                                  finder("node_sync"), finder("life_cycle"), 1000});
    start_cloud();
    net.listen("cloud:6443", &acceptor, ca.certificate_pem);
    settle();
    create("namespaces", "", "default", "ns-default", R"({"status":{"phase":"Active"}})");
    create("namespaces", "", "kube-system", "ns-system", R"({"status":{"phase":"Active"}})");
  }
  ~world() {
    for (auto& [name, e] : edges) kill(e->agent), kill(e->link);
    for (auto* name : {"hub", "pool", "node_sync", "status_writer", "store", "life_cycle"}) kill(actors[name]);
    for (int i = 0; i < 100'000 && (coordinator().try_run_once() || net.step()); ++i) {
    }
    coordinator().clock().cancel_all();
    edges.clear();
    actors.clear();
    while (coordinator().try_run_once()) {
    }
    coordinator().clock().cancel_all();
  }

  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  }
  std::function<caf::actor()> finder(const std::string& name) {
    return [this, name] { return actors[name]; };
  }
  void kill(caf::actor& a) {
    if (a) caf::anon_send_exit(a, caf::exit_reason::kill);
    a = nullptr;
  }

  void start_cloud() {
    store::store_args sa{ctx, "/cloud/store", cloud_kv, views, {}, {}};
    actors["store"] = sys.spawn(store::store_actor, sa);
    settle_jobs();
    start_controllers();
  }
  void start_controllers() {
    controllers::controller_args base{ctx, *views, finder("store"), registry};
    actors["status_writer"] =
        sys.spawn(controllers::status_writer, controllers::status_writer_args{base, "/cloud/status_writer", {}});
    actors["node_sync"] = sys.spawn(controllers::node_sync,
                                    controllers::node_sync_args{ctx, "/cloud/node_sync", *views, finder("store"), {}});
    actors["pool"] = sys.spawn(supervisors::pool, supervisors::pool_args{services, "/cloud/link/sessions"});
    actors["hub"] = sys.spawn(link::hub, link::hub_args{*parts, "/cloud/link/hub", acceptor, {}});
    if (!actors["life_cycle"])
      actors["life_cycle"] = sys.spawn([this](caf::event_based_actor*) -> caf::behavior {
        return {[this](const link::nodes_seen& m) {
          for (auto& n : m.nodes) ++seen[n];
        }};
      });
  }
  /// Kills all of the cloud but its disk, and starts it again.
  void restart_cloud() {
    net.cut();
    for (auto* name : {"hub", "pool", "node_sync", "status_writer", "store"}) kill(actors[name]);
    settle_jobs();
    cloud_kv.crash();
    start_cloud();
  }

  edge& add_edge(const std::string& node) {
    auto& e = edges[node] = std::make_unique<edge>();
    e->node = node;
    auto pair = *pki.issue(ca, {"system:node:" + node, {"system:nodes"}, {}, false}, 365);
    e->credentials = {ca.certificate_pem, {}, pair.certificate_pem, pair.key_pem};
    start_edge(*e);
    return *e;
  }
  void start_edge(edge& e) {
    e.agent = sys.spawn([&e](caf::event_based_actor*) { return e.state.behave(); });
    start_link(e);
  }
  void start_link(edge& e) {
    link::link_client_args a{ctx,
                             "/node/" + e.node + "/link",
                             e.node,
                             "test",
                             "cloud:6443",
                             e.credentials,
                             net,
                             e.kv,
                             [&e] { return e.agent; },
                             &pki,
                             {},
                             renew_before_ms,
                             {},
                             {},
                             node_links};
    a.on_renewed = [&e](const ports::client_credentials& c) {
      e.credentials = c;
      return caf::expected<void>{caf::unit};
    };
    e.link = sys.spawn(link::link_client, std::move(a));
  }
  /// Power cut at the edge: what was not synced is lost.
  void restart_edge(edge& e) {
    kill(e.link);
    settle_jobs();
    e.kv.crash();
    e.state.connected = false;
    start_link(e);
  }

  /// One thing happens: a job, a step of the network, or, when there is neither, time passes to the next timer.
  bool turn() {
    auto& jobs = coordinator().jobs;
    auto want_net = chance.below(2) == 0;
    if (want_net && net.step()) return true;
    if (!jobs.empty()) {
      std::swap(jobs.front(), jobs[chance.below(jobs.size())]);
      return coordinator().try_run_once();
    }
    if (net.step()) return true;
    return coordinator().clock().trigger_timeout();
  }
  void settle_jobs() {
    while (coordinator().try_run_once()) {
    }
  }
  /// Until nothing is left to do but wait.
  void settle() {
    for (bool more = true; more;) {
      more = false;
      while (coordinator().try_run_once()) more = true;
      while (net.step()) more = true;
    }
  }
  template <class F>
  bool until(F holds, int64_t virtual_ms = 10 * 60'000) {
    auto end = clock.steady_ms() + virtual_ms;
    while (!holds()) {
      if (clock.steady_ms() > end) return false;
      turn();
    }
    return true;
  }
  void pass(int64_t virtual_ms) {
    auto end = clock.steady_ms() + virtual_ms;
    while (clock.steady_ms() < end) turn();
  }

  // -- the store ------------------------------------------------------------------------------------------------------
  template <class M>
  caf::error ask_store(M m, uint64_t* revision = nullptr) {
    caf::error out = make_error(errc::timed_out, "unanswered");
    auto a = sys.spawn([&, this](caf::event_based_actor* self) {
      self->request(actors["store"], caf::infinite, std::move(m))
          .then(
              [&](const store::committed& c) {
                out = {};
                if (revision) *revision = c.revision;
              },
              [&](const caf::error& e) { out = e; });
    });
    settle_jobs();
    return out;
  }
  caf::error create(const std::string& resource, const std::string& ns, const std::string& name, const std::string& uid,
                    const std::string& body) {
    std::string why;
    auto v = parse_json(body, why);
    if (!why.empty()) throw std::runtime_error(why);
    auto& meta = ensure(v, "metadata");
    if (!meta.is_object()) meta.emplace_object();
    meta.get_object()["name"] = name;
    if (!ns.empty()) meta.get_object()["namespace"] = ns;
    meta.get_object()["uid"] = uid;
    return ask_store(store::commit{{{store::verb::create, {{resource, ns, name}, v}, {}, {}}}});
  }
  template <class F>
  caf::error change(const std::string& resource, const std::string& ns, const std::string& name, F edit) {
    auto o = get(resource, ns, name);
    if (!o) return make_error(errc::not_found, name);
    auto v = store::parse(o);
    edit(v);
    return ask_store(store::commit{{{store::verb::update, {{resource, ns, name}, v}, {}, {}}}});
  }
  caf::error remove(const std::string& resource, const std::string& ns, const std::string& name) {
    return ask_store(store::commit{{{store::verb::remove, {{resource, ns, name}, {}}, {}, {}}}});
  }
  store::object get(const std::string& resource, const std::string& ns, const std::string& name) {
    return views->current()->get(resource, ns, name);
  }
  caf::error create_pod(const std::string& name, const std::string& node, const std::string& uid,
                        const std::string& volumes = "[]") {
    return create("pods", "default", name, uid,
                  R"({"spec":{"nodeName":")" + node + R"(","containers":[{"name":"c","image":"i"}],"volumes":)" +
                      volumes + R"(},"status":{"phase":"Pending"}})");
  }

  // -- the edge -------------------------------------------------------------------------------------------------------
  /// Reports a fact; `done` is called with the answer.
  template <class R>
  void report(edge& e, R r, std::function<void(const caf::error&)> done = {}) {
    sys.spawn([link = e.link, r = std::move(r), done](caf::event_based_actor* self) {
      self->request(link, std::chrono::seconds(20), r)
          .then(
              [done] {
                if (done) done({});
              },
              [done](const caf::error& err) {
                if (done) done(err);
              });
    });
  }
  link::link_stats stats(edge& e) {
    link::link_stats out;
    sys.spawn([&](caf::event_based_actor* self) {
      self->request(e.link, caf::infinite, link::get_link_stats{})
          .then([&](const link::link_stats& s) { out = s; }, [](const caf::error&) {});
    });
    settle_jobs();
    return out;
  }
  /// Does the edge hold exactly what the view wants it to?
  bool converged(edge& e) {
    link::desired_set set{e.node};
    auto wanted = set.compute(*views->current());
    if (wanted.size() != e.state.holds.size()) return false;
    for (auto& [key, w] : wanted) {
      auto h = e.state.holds.find(key);
      if (h == e.state.holds.end() || h->second.uid != store::uid_of(w.object)) return false;
      if (link::intent_digest(store::json_of(h->second.object)) != w.digest) return false;
    }
    return true;
  }

  static caf::actor_system_config& quiet(caf::actor_system_config& c) {
    c.set("scheduler.policy", caf::atom("testing"));
    return c;
  }

  seeded_chance chance;
  virtual_clock clock;
  quiet_log log;
  context ctx{clock, chance, log};
  sim::sim_network net{chance};
  sim::sim_pki pki{clock, chance};
  sim::memory_kv cloud_kv;
  kube::registry registry;
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services services{ctx, directory, crashes};
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  link::acceptor acceptor;
  ports::key_pair ca;
  std::unique_ptr<link::cloud_parts> parts;
  int64_t renew_before_ms = 0;
  link::mesh* node_links = nullptr;  ///< of the edges that are started from now on
  std::map<std::string, int> seen;
  caf::actor_system_config config;
  caf::actor_system sys{quiet(config)};
  std::map<std::string, caf::actor> actors;
  std::map<std::string, std::unique_ptr<edge>> edges;
};

}  // namespace skerry::test
