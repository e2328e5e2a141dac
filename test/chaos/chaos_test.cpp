#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "actors/link/join.hpp"
#include "actors/link/tokens.hpp"
#include "test/chaos/scene.hpp"

using namespace skerry;
using namespace skerry::test::chaos;

namespace {

uint64_t number_of(const char* name, uint64_t otherwise) {
  auto* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

/// Kills and cuts, and looks every now and then, when all is quiet, whether everything is as it should be.
void torment(scene& s, uint64_t seed, size_t kills) {
  s.faults(true);
  for (size_t tries = 1; s.crashes.kills() < kills || tries % 25 != 1; ++tries) {
    BOOST_REQUIRE_MESSAGE(tries < 3 * kills + 100, "seed " << seed << ": victims do not end" << s.story());
    s.kill_one();
    if (s.w.chance.below(8) == 0) s.cut_links();
    // Now and then the next one falls while the first is still being dealt with.
    if (s.w.chance.below(4) == 0)
      for (auto n = s.w.chance.below(200); n > 0; --n) s.w.turn();
    else
      s.pass(static_cast<int64_t>(s.w.chance.below(2'000)));
    if (tries % 25 != 0) continue;
    s.faults(false);
    std::string why;
    bool fine = s.until([&] { return (why = s.missing()).empty(); }, 5 * 60'000);
    auto after = "seed " + std::to_string(seed) + ", after " + std::to_string(s.crashes.kills()) + " kills";
    BOOST_REQUIRE_MESSAGE(fine, after << ", 5 minutes later: " << why << s.story());
    why = s.restarted();
    BOOST_REQUIRE_MESSAGE(why.empty(), after << ": " << why << s.story());
    s.faults(true);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chaos)

BOOST_AUTO_TEST_CASE(every_actor_stands_in_a_tree) {
  scene s{1};
  s.set_up();
  // One that ends is counted no more, and may still be listed.
  auto fits = [&] { return s.w.running() <= s.w.listed(); };
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
  auto end = s.w.clock.steady_ms() + 300'000;
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

/// SKERRY_SEED=n replays one run, SKERRY_KILLS=n makes it shorter or longer, SKERRY_TEST_LOG=1 tells all.
BOOST_AUTO_TEST_CASE(a_thousand_kills_of_any_actor_lose_nothing) {
  auto first = number_of("SKERRY_SEED", 20261125);
  auto last = std::getenv("SKERRY_SEED") != nullptr ? first : first + number_of("SKERRY_RUNS", 1) - 1;
  for (auto seed = first; seed <= last; ++seed) {
    BOOST_TEST_MESSAGE("seed " << seed << ": run it alone with SKERRY_SEED=" << seed);
    scene s{seed};
    s.set_up();
    auto kills = number_of("SKERRY_KILLS", 1'000);
    torment(s, seed, kills);
    BOOST_TEST(s.crashes.kills() >= kills);
    uint64_t starts = 0, reports = 0;
    for (auto* i : s.w.islands()) starts += i->starts, reports += i->crashes.total();
    BOOST_TEST(reports >= s.crashes.kills());
    BOOST_TEST(starts > s.w.islands().size());
    auto f = s.w.net.faults();
    BOOST_TEST_MESSAGE(
        s.crashes.kills() << " kills, each reported, " << reports - s.crashes.kills() << " supervisors that gave up; "
                          << starts << " starts of processes, " << s.w.power_cuts()
                          << " power cuts of the cloud; links: " << s.cuts << " times all cut (" << s.partitions
                          << " partitions), " << f.cuts << " cuts by bytes, " << f.half_open << " half open, "
                          << f.silent << " silent, " << f.corrupt << " corrupt, " << f.delayed << " delayed, " << f.slow
                          << " slow; " << s.first.writes() + s.second.writes() + s.third.writes() << " writes, "
                          << s.letters.sent() << " durable letters, " << s.pods.created() << " pods, "
                          << s.web.changes() << " changes of a deployment, "
                          << s.maps.watches() + s.watched_pods.watches() << " watches, " << s.w.clock.steady_ms() / 1000
                          << " s of virtual time");
  }
}

BOOST_AUTO_TEST_SUITE_END()
