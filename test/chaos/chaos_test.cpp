#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "actors/link/join.hpp"
#include "actors/link/tokens.hpp"
#include "schema/error.hpp"
#include "test/chaos/world.hpp"

namespace skerry::test::chaos {
struct poke {};
}  // namespace skerry::test::chaos
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::test::chaos::poke)

using namespace skerry;
using namespace skerry::test::chaos;

namespace {

constexpr const char* config_maps = "/api/v1/namespaces/default/configmaps";
constexpr const char* all_pods = "/api/v1/namespaces/default/pods";
constexpr const char* deployments = "/apis/apps/v1/namespaces/default/deployments";

constexpr const char* web = R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},
  "spec":{"replicas":4,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
  "spec":{"containers":[{"name":"main","image":"app:1"}]}}}})";

/// Makes the next message of an actor end it by an exception, in the middle of whatever it was sent for.
struct thrower final : base::trace_sink {
  bool armed = false;
  void on_message(const base::actor&, const caf::mailbox_element&) override {
    if (std::exchange(armed, false)) throw std::runtime_error("chaos");
  }
};

/// Kills, and the crash reports that they must leave: one each, that says who ended and why, and no others.
class ledger {
public:
  /// A victim of ours ended for this reason.
  void note(size_t island, const std::string& path, const caf::error& why) {
    ++due_[text(island, path, message_of(why))];
  }
  /// What is not as it should be, once all is quiet; empty: nothing.
  std::string fault(world& w) {
    std::map<std::string, int> told;
    auto all = w.islands();
    for (size_t i = 0; i < all.size(); ++i)
      for (auto& r : all[i]->crashes.reports()) ++told[text(i, r.path, r.why)];
    for (auto& [what, n] : due_)
      if (told[what] < n)
        return what + " happened " + std::to_string(n) + " times; reports: " + std::to_string(told[what]);
    for (auto& [what, n] : told)
      if (due_[what] < n) return what + " was reported, and nobody did it";
    return {};
  }

private:
  static std::string text(size_t island, const std::string& path, const std::string& why) {
    return std::to_string(island) + path + ": " + why;
  }
  std::map<std::string, int> due_;  ///< "<island number><path>: <why>" -> how often
};

/// A cloud with two nodes, under the load of several clients.
struct scene {
  explicit scene(uint64_t seed) : w(seed, 2) {}

  world w;
  thrower trap;  ///< outlives the actors' last look at it: they are ended by ~world below
  writer first{*w.front, "a", 8}, second{*w.front, "b", 8};
  pod_maker pods{*w.front, 8};
  reflector maps{*w.front, config_maps}, watched_pods{*w.front, all_pods};
  std::set<std::string> standing;  ///< "island number + path" of what stands when nothing happens
  std::deque<std::string> history;
  ledger crashes;

  bool nodes_ready() {
    for (auto& e : w.edges) {
      auto node = w.get("/api/v1/nodes/" + e->name);
      bool ready = false;
      for (auto& c : array_at(node, "status.conditions"))
        ready |= string_at(c, "type") == "Ready" && string_at(c, "status") == "True";
      if (!ready) return false;
    }
    return true;
  }
  void load(bool more) {
    first.work(more);
    second.work(more);
    pods.work(more && w.chance.below(10) == 0);
    maps.work();
    watched_pods.work();
  }
  void pass(int64_t virtual_ms) {
    auto end = w.clock.steady_ms() + virtual_ms;
    for (int n = 0; w.clock.steady_ms() < end; ++n) {
      if (n % 128 == 0) load(true);
      w.turn();
    }
  }
  template <class F>
  bool until(F holds, int64_t virtual_ms) {
    auto end = w.clock.steady_ms() + virtual_ms;
    for (int n = 0; n % 64 != 0 || !holds(); ++n) {
      if (w.clock.steady_ms() > end) return false;
      if (n % 16 == 0) load(false);
      w.turn();
    }
    return true;
  }

  void set_up() {
    BOOST_REQUIRE(w.until([&] { return nodes_ready(); }));
    call_ptr made;
    BOOST_REQUIRE(w.until([&] {
      if (made && made->done && made->code == 201) return true;
      if (!made || made->done) made = send(*w.front, "POST", deployments, web);
      return false;
    }));
    auto why = missing();
    BOOST_REQUIRE_MESSAGE(until([&] { return (why = missing()).empty(); }, 60'000), "before any kill: " << why);
    auto all = w.islands();
    for (size_t i = 0; i < all.size(); ++i)
      for (auto& path : all[i]->directory.list())
        if (!comes_and_goes(path)) standing.insert(std::to_string(i) + path);
  }
  static bool comes_and_goes(const std::string& path) {
    return path.starts_with("/cloud/link/sessions/") || path.starts_with("/cloud/api/watches/") ||
           path.find("/pod/") != std::string::npos;
  }

  /// What is not as it should be once all is quiet; empty: nothing.
  std::string missing() {
    if (!first.idle() || !second.idle() || !pods.idle()) return "a request is not answered";
    auto all = w.islands();
    for (auto& s : standing)
      if (!all[static_cast<size_t>(s[0] - '0')]->directory.find(s.substr(1))) return s.substr(1) + " does not stand";
    auto d = w.get(std::string{deployments} + "/web");
    if (int_at(d, "status.readyReplicas") != 4) return "the deployment has not 4 ready replicas";
    auto list = w.get(all_pods);
    size_t mine = 0, containers = 0;
    for (auto& pod : array_at(list, "items")) {
      auto name = std::string{string_at(pod, "metadata.name")};
      if (!w.runs(pod)) return "pod " + name + " does not run";
      mine += name.starts_with("pod-");
      if (name.starts_with("pod-") && !pods.alive().contains(name)) return "pod " + name + " was to go";
    }
    if (mine != pods.alive().size()) return "a pod that was acknowledged is not there";
    for (auto& e : w.edges) containers += e->runtime.containers().size();
    if (containers != array_at(list, "items").size()) return "there are more containers than pods";
    for (auto* client : {&first, &second})
      for (auto& [name, value] : client->acknowledged())
        if (string_at(w.get(std::string{config_maps} + "/" + name), "data.value") != value)
          return name + ": the acknowledged value " + value + " is not there";
    if (!maps.agrees_with(w.get(config_maps))) return "a watcher of ConfigMaps does not see what is there";
    if (!watched_pods.agrees_with(list)) return "a watcher of pods does not see what is there";
    return {};
  }
  /// What was done to containers that nobody asked for; empty: nothing.
  std::string restarted() {
    std::set<std::string> seen;
    for (auto& e : w.edges)
      for (auto& c : e->runtime.started())
        if (c.attempt != 0 || !seen.insert(c.pod_uid + "/" + c.name).second)
          return "container " + c.name + " of pod " + c.pod_uid + " on " + e->name + " was started again";
    return {};
  }

  /// How somebody ended.
  struct ending {
    bool over = false;
    bool orphaned = false;  ///< its supervisor ended before it, and killed it, or would have
    caf::error why;
    bool crashed() const { return over && !orphaned && why && why != caf::exit_reason::user_shutdown; }
  };
  /// Follows a victim, and whoever would report its end.
  static std::shared_ptr<ending> follow(const caf::actor& victim, const caf::actor& supervisor) {
    auto how = std::make_shared<ending>();  // it may end later than we look
    auto alone = std::make_shared<bool>(false);
    if (supervisor) supervisor->attach_functor([alone] { *alone = true; });
    victim->attach_functor([how, alone](const caf::error& why) { *how = {true, *alone, why}; });
    return how;
  }

  /// Kills one actor, drawn from all; true if it ended by that.
  bool kill_one() {
    auto islands = w.islands();
    std::vector<std::pair<size_t, std::string>> all;
    for (size_t i = 0; i < islands.size(); ++i)
      for (auto& path : islands[i]->directory.list()) all.emplace_back(i, path);
    auto& [number, path] = all[w.chance.below(all.size())];
    auto* where = islands[number];
    auto victim = where->directory.find(path);
    auto end = follow(victim, where->directory.find(path.substr(0, path.rfind('/'))));
    if (end->over) return false;  // its supervisor does not know yet
    auto how = w.chance.below(2);
    history.push_back(std::to_string(w.clock.steady_ms()) + (how == 0 ? " kill " : " exception ") + path);
    if (history.size() > 12) history.pop_front();
    if (how == 0) {
      caf::anon_send_exit(victim, caf::exit_reason::kill);
    } else {
      trap.armed = true;
      where->directory.trace(path, &trap);
      // Its own work shall meet the exception; one that has none for a while gets something to stumble over.
      for (int n = 0; n < 100 && trap.armed; ++n) load(n % 32 == 0), w.turn();
      if (trap.armed) caf::anon_send(victim, poke{});
    }
    victim = nullptr;
    for (int n = 0; n < 5'000 && !end->over; ++n) w.turn();
    trap.armed = false;
    where->directory.trace(path, nullptr);
    if (end->crashed()) crashes.note(number, path, end->why);
    return end->crashed();
  }
  std::string story() const {
    std::string out;
    for (auto& line : history) out += "\n  " + line;
    return out;
  }
};

uint64_t seed_of_run() {
  if (auto* given = std::getenv("SKERRY_SEED")) return std::strtoull(given, nullptr, 10);
  return 20261125;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chaos)

BOOST_AUTO_TEST_CASE(every_actor_stands_in_a_tree) {
  scene s{1};
  s.set_up();
  auto fits = [&] {
    if (s.w.running() > s.w.listed()) return false;  // one that ends is counted no more, and may still be listed
    return true;
  };
  BOOST_TEST(s.w.running() == s.w.listed());
  // A join, writes, watches, pods that come and go: whoever works on them stands in a tree, at any moment.
  auto token = link::make_token(s.w.chance);
  auto secret = link::make_token_secret(token, 0, "test");
  secret.as_object()["metadata"] =
      json::object{{"name", link::token_secret_name(token.id)}, {"namespace", "kube-system"}};
  secret.as_object()["apiVersion"] = "v1";
  secret.as_object()["kind"] = "Secret";
  auto made = send(*s.w.front, "POST", "/api/v1/namespaces/kube-system/secrets", json::serialize(secret));
  BOOST_REQUIRE(s.w.until([&] { return made->done; }));
  BOOST_TEST_CONTEXT(made->text) BOOST_REQUIRE(made->code == 201);
  int joined = 0;
  link::join(s.w.net, s.w.pki,
             {"cloud:6443", link::format_full_token(sim::sim_pki::pin_of(s.w.authority.certificate_pem), token), "n3"},
             [&](const caf::expected<ports::client_credentials>& r) { joined = r ? 1 : -1; });
  size_t strangers = 0, sessions = 0, watches = 0;
  auto end = s.w.clock.steady_ms() + 20'000;
  for (int n = 0; s.w.clock.steady_ms() < end; ++n) {
    if (n % 16 == 0) s.load(true);
    s.w.turn();
    strangers += !fits();
    if (n % 4 == 0) {  // a join is over soon
      sessions = std::max(sessions, s.w.cloud.directory.list("/cloud/link/sessions/").size());
      watches = std::max(watches, s.w.cloud.directory.list("/cloud/api/watches/").size());
    }
  }
  BOOST_TEST(strangers == 0u);
  BOOST_TEST(joined == 1);
  BOOST_TEST(sessions >= 3u);
  BOOST_TEST(watches >= 2u);
  std::string why;
  BOOST_TEST_CONTEXT(why) BOOST_TEST(s.until([&] { return (why = s.missing()).empty(); }, 120'000));
  BOOST_TEST(s.w.running() == s.w.listed());
}

/// SKERRY_SEED=n replays a run, SKERRY_KILLS=n makes it shorter or longer, SKERRY_TEST_LOG=1 tells all.
BOOST_AUTO_TEST_CASE(a_thousand_kills_of_any_actor_lose_nothing) {
  auto seed = seed_of_run();
  auto* wanted = std::getenv("SKERRY_KILLS");
  auto kills_wanted = wanted != nullptr ? std::atoi(wanted) : 1'000;
  BOOST_TEST_MESSAGE("seed " << seed);
  scene s{seed};
  s.set_up();
  int kills = 0;
  for (int tries = 0; kills < kills_wanted && tries < 3 * kills_wanted; ++tries) {
    kills += s.kill_one();
    // Now and then the next one falls while the first is still being dealt with.
    if (s.w.chance.below(4) == 0)
      for (auto n = s.w.chance.below(200); n > 0; --n) s.w.turn();
    else
      s.pass(static_cast<int64_t>(s.w.chance.below(2'000)));
    if (tries % 25 != 24) continue;
    std::string why;
    bool fine = s.until([&] { return (why = s.missing()).empty(); }, 5 * 60'000);
    BOOST_REQUIRE_MESSAGE(fine,
                          "seed " << seed << ", after " << kills << " kills, 5 minutes later: " << why << s.story());
    auto unlike = s.crashes.fault(s.w);
    BOOST_REQUIRE_MESSAGE(unlike.empty(), "seed " << seed << ", after " << kills << " kills: " << unlike << s.story());
    auto touched = s.restarted();
    BOOST_REQUIRE_MESSAGE(touched.empty(),
                          "seed " << seed << ", after " << kills << " kills: " << touched << s.story());
  }
  BOOST_TEST(kills >= kills_wanted);
  uint64_t starts = 0, reports = 0;
  for (auto* i : s.w.islands()) starts += i->starts, reports += i->crashes.total();
  BOOST_TEST(reports == static_cast<uint64_t>(kills));
  BOOST_TEST_MESSAGE(kills << " kills, " << reports << " crash reports, " << starts << " starts of processes, "
                           << s.first.writes() + s.second.writes() << " writes, " << s.pods.created() << " pods, "
                           << s.maps.watches() + s.watched_pods.watches() << " watches, "
                           << s.w.clock.steady_ms() / 1000 << " s of virtual time");
}

BOOST_AUTO_TEST_SUITE_END()
