#pragma once
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/test_actor_clock.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/node/node_agent.hpp"
#include "schema/error.hpp"
#include "sim/ports/memory_kv.hpp"
#include "sim/ports/sim_clock.hpp"
#include "sim/ports/sim_files.hpp"
#include "sim/ports/sim_machine.hpp"
#include "sim/ports/sim_prober.hpp"
#include "sim/ports/sim_runtime.hpp"
#include "supervisors/pool.hpp"

namespace skerry::node::testing {

struct counting_random : ports::random {
  uint64_t next() override { return ++value; }
  uint64_t value = 0;
};
struct kept_log : ports::log {
  bool enabled(ports::severity) const override { return true; }
  void write(ports::severity s, std::string_view who, std::string_view text) override {
    if (s >= ports::severity::warning) lines.push_back(std::string{who} + ": " + std::string{text});
  }
  std::vector<std::string> lines;
};

/// What the link was told.
struct told {
  std::map<std::string, std::string> pods;  ///< name -> last status
  std::vector<std::string> gone;            ///< names
  std::vector<std::string> events;
  std::string node;
  size_t statuses = 0;
  bool refuses = false;
};

inline caf::behavior fake_link(caf::event_based_actor*, told* t) {
  auto refused = [] { return caf::result<void>{make_error(errc::full, "journal is full")}; };
  return {
      [=](const link::report_pod_status& r) -> caf::result<void> {
        if (t->refuses) return refused();
        t->pods[r.pod.name] = r.json;
        ++t->statuses;
        return caf::unit;
      },
      [=](const link::report_pod_gone& r) -> caf::result<void> {
        if (t->refuses) return refused();
        t->gone.push_back(r.pod.name);
        return caf::unit;
      },
      [=](const link::report_node_status& r) -> caf::result<void> {
        if (t->refuses) return refused();
        t->node = r.json;
        return caf::unit;
      },
      [=](const link::report_event& r) -> caf::result<void> {
        if (t->refuses) return refused();
        t->events.push_back(r.json);
        return caf::unit;
      },
  };
}

/// One node in one thread: the real agent, pods and pool over simulated ports, in virtual time.
struct world {
  sim::sim_clock clock;
  counting_random random;
  kept_log log;
  context ctx{clock, random, log};
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services parts{ctx, directory, crashes};
  sim::memory_kv kv;
  sim::sim_runtime runtime{clock};
  sim::sim_files files;
  sim::sim_prober prober;
  sim::sim_machine machine;
  told cloud;
  bool linked = true;
  caf::actor_system_config config = make_config();
  caf::actor_system sys{config};
  caf::actor link_actor, pool, agent;
  caf::actor host;  ///< of devices; most have none
  uint64_t revision = 0;

  static caf::actor_system_config make_config() {
    caf::actor_system_config c;
    c.set("scheduler.policy", caf::atom("testing"));
    return c;
  }

  world() {
    for (auto* image : {"web:1", "web:2", "init:1"}) runtime.offer_image(image);
    link_actor = sys.spawn(fake_link, &cloud);
  }
  ~world() {
    kill_all();
    caf::anon_send_exit(link_actor, caf::exit_reason::kill);
    link_actor = nullptr;
    settle();
    scheduler().clock().cancel_all();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  }
  void settle() {
    for (bool busy = true; busy;) {
      busy = false;
      while (scheduler().try_run_once()) busy = true;
      if (runtime.poll() > 0) busy = true;
    }
  }
  void pass(int64_t ms) {
    constexpr int64_t step = 50;
    for (int64_t i = 0; i < ms; i += step) {
      clock.advance(step);
      scheduler().advance_time(std::chrono::milliseconds{step});
      settle();
    }
  }

  void start_pool() { pool = sys.spawn(supervisors::pool, supervisors::pool_args{parts, "/node/n1/pod"}); }
  void start_agent() {
    agent = sys.spawn(node_agent, agent_args{ctx,
                                             "/node/n1",
                                             "n1",
                                             "v1.36.0+skerry.test",
                                             {{"site", "pier"}},
                                             "/data/pods",
                                             kv,
                                             runtime,
                                             files,
                                             prober,
                                             machine,
                                             [this] { return linked ? link_actor : caf::actor{}; },
                                             [this] { return pool; },
                                             [this] { return host; }});
    settle();
  }
  void start() {
    start_pool();
    start_agent();
  }
  void kill_agent() {
    caf::anon_send_exit(agent, caf::exit_reason::kill);
    agent = nullptr;
    settle();
  }
  void kill_all() {
    if (agent) kill_agent();
    if (pool) caf::anon_send_exit(pool, caf::exit_reason::user_shutdown);
    pool = nullptr;
    settle();
  }
  /// The whole process ends without a word and starts again; containers know nothing of it.
  void restart() {
    kill_all();
    kv.crash();
    start();
  }

  store::object object(const std::string& resource, const std::string& text) {
    store::draft d;
    d.value = json::parse(text);
    d.key = {resource, std::string{string_at(d.value, "metadata.namespace")},
             std::string{string_at(d.value, "metadata.name")}};
    return store::freeze(d, ++revision);
  }
  static std::string pod_text(const std::string& name,
                              const std::string& spec = R"({"containers":[{"name":"a","image":"web:1"}]})",
                              const std::string& metadata = "", const std::string& uid = "") {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name + R"(","namespace":"shop","uid":")" +
           (uid.empty() ? "uid-" + name : uid) + "\"" + metadata + R"(},"spec":)" + spec + "}";
  }
  static std::string config_text(const std::string& name, const std::string& value) {
    return R"({"metadata":{"name":")" + name + R"(","namespace":"shop","uid":"c-)" + name + R"("},"data":{"key":")" +
           value + R"("}})";
  }

  template <class Result, class Message>
  caf::expected<Result> ask(const Message& m) {
    std::optional<caf::expected<Result>> out;
    caf::actor asker = sys.spawn([&](caf::event_based_actor* self) {
      self->request(agent, caf::infinite, m)
          .then([&](const Result& r) { out = r; }, [&](const caf::error& e) { out = e; });
    });
    settle();
    BOOST_REQUIRE_MESSAGE(out.has_value(), "the agent did not answer");
    return std::move(*out);
  }
  caf::error change(link::desired_changes m) {
    std::optional<caf::error> out;
    if (m.revision == 0) m.revision = ++revision;
    caf::actor asker = sys.spawn([&](caf::event_based_actor* self) {
      self->request(agent, caf::infinite, m).then([&] { out = caf::error{}; }, [&](const caf::error& e) { out = e; });
    });
    settle();
    BOOST_REQUIRE_MESSAGE(out.has_value(), "the agent did not answer");
    return *out;
  }
  void put(const std::string& resource, const std::string& text) {
    link::desired_changes m;
    m.put.push_back(object(resource, text));
    auto e = change(std::move(m));
    BOOST_REQUIRE_MESSAGE(!e, message_of(e));
  }
  void drop(const std::string& resource, const std::string& name, const std::string& uid) {
    link::desired_changes m;
    m.drop.push_back({{resource, "shop", name}, uid, 0});
    auto e = change(std::move(m));
    BOOST_REQUIRE_MESSAGE(!e, message_of(e));
  }
  json::value status(const std::string& name) {
    auto i = cloud.pods.find(name);
    return i == cloud.pods.end() ? json::value(json::object{}) : json::parse(i->second);
  }
  std::string phase(const std::string& name) { return std::string{string_at(status(name), "phase")}; }
  size_t starts() { return runtime.started().size(); }
  std::string condition(const json::value& status, std::string_view type) {
    for (auto& c : array_at(status, "conditions"))
      if (string_at(c, "type") == type) return std::string{string_at(c, "status")};
    return "";
  }
};

}  // namespace skerry::node::testing
