#include "actors/base/actor.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <caf/response_promise.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <mutex>

#include "actors/base/directory.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using test::world;

namespace {

/// A clock that goes on by a millisecond at each look, so that each turn of an actor takes time.
struct ticking_clock : ports::clock {
  mutable std::atomic<int64_t> now{1};
  int64_t wall_ms() const override { return world::wall_start_ms; }
  int64_t steady_ms() const override { return steady_ns() / 1'000'000; }
  int64_t steady_ns() const override { return now += 1'000'000; }
};

struct notes : base::trace_sink {
  mutable std::mutex mutex;
  std::vector<std::string> seen;
  void on_message(const base::actor&, const caf::mailbox_element& m) override {
    std::lock_guard lock{mutex};
    seen.push_back(base::message_name(m.content()));
  }
  size_t count() const {
    std::lock_guard lock{mutex};
    return seen.size();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(base_actor)

BOOST_AUTO_TEST_CASE(a_meter_counts_messages_and_time_and_knows_the_last_type) {
  world w;
  ticking_clock clock;
  context ctx{clock, w.random, w.log};
  auto a = w.sys.spawn([&](base::actor* me) -> caf::behavior {
    base::prepare(me, ctx, "/test");
    return {[](const test::ping&) { return true; }, [](const test::crash&) {}};
  });
  auto* who = base::actor_of(a);
  BOOST_REQUIRE(who != nullptr);
  for (int i = 0; i < 10; ++i) BOOST_REQUIRE(w.ask<bool>(a, test::ping{}));
  w.self->send(a, test::crash{});
  w.until([&] { return who->meter().handled() == 11; }, "11 messages are handled");
  auto& m = who->meter();
  BOOST_TEST(m.enqueued() == 11u);
  BOOST_TEST(m.depth() == 0u);
  BOOST_TEST(m.last_message() == "skerry::test::crash");
  BOOST_TEST(who->started_ms() == world::wall_start_ms);
  BOOST_TEST(who->path() == "/test");
  w.until([&] { return m.busy_since_ns() == 0; }, "its turn is over");
  BOOST_TEST(m.busy_ns() >= 1'000'000);
  caf::anon_send_exit(a, caf::exit_reason::kill);
  w.self->monitor(a);
  w.await_down(a);
  BOOST_TEST(m.last_message() == "skerry::test::crash");
}

BOOST_AUTO_TEST_CASE(depth_is_what_waits_behind_the_message_in_hand) {
  world w;
  std::atomic<bool> go{false};
  auto a = w.sys.spawn<caf::detached>([&](base::actor* me) -> caf::behavior {
    base::prepare(me, w.ctx, "/test");
    return {[&](const test::ping&) {
      while (!go) std::this_thread::yield();
    }};
  });
  auto& m = base::actor_of(a)->meter();
  for (int i = 0; i < 5; ++i) caf::anon_send(a, test::ping{});
  w.until([&] { return m.last_message() == "skerry::test::ping"; }, "the first one is in hand");
  BOOST_TEST(m.depth() == 5u);
  BOOST_TEST(m.handled() == 0u);
  BOOST_TEST(m.busy_since_ns() > 0);
  go = true;
  w.until([&] { return m.depth() == 0; }, "all are handled");
  caf::anon_send_exit(a, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(a_trace_follows_a_path_through_a_restart_until_it_is_ended) {
  world w;
  notes sink;
  auto top =
      w.supervise("/t", supervisors::strategy::one_for_one, {100, 60'000}, {supervisors::worker("a", w.plain())});
  auto a = w.await("/t/a");
  BOOST_REQUIRE(w.ask<bool>(a, test::ping{}));
  w.directory.trace("/t/a", &sink);
  BOOST_REQUIRE(w.ask<bool>(a, test::ping{}));
  w.self->send(a, test::crash{"x"});
  auto again = w.await_other("/t/a", a);
  BOOST_REQUIRE(w.ask<bool>(again, test::ping{}));
  w.directory.trace("/t/a", nullptr);
  BOOST_REQUIRE(w.ask<bool>(again, test::ping{}));
  std::vector<std::string> expected{"skerry::test::ping", "skerry::test::crash", "skerry::test::ping"};
  BOOST_TEST(sink.seen == expected, boost::test_tools::per_element());
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(an_actor_and_the_directory_share_one_path_and_who_comes_first_names_it) {
  world w;
  auto a = w.sys.spawn([](base::actor*) -> caf::behavior { return {[](const test::ping&) { return true; }}; });
  auto first = w.directory.put("/n/a", a);
  BOOST_TEST(base::actor_of(a)->path() == "/n/a");
  BOOST_TEST((base::actor_of(a)->path().data() == first.path().data()));
  BOOST_TEST(w.directory.path_of(a) == "/n/a");
  auto second = w.directory.put("/n/b", a);  // a second place does not rename it
  BOOST_TEST(second.path() == "/n/b");
  BOOST_TEST(base::actor_of(a)->path() == "/n/a");
  w.directory.erase("/n/a", a.id());
  w.directory.erase("/n/b", a.id());
  BOOST_TEST(w.directory.path_of(a).empty());
  BOOST_TEST((first.path() == "/n/a" && second.path() == "/n/b"));
  caf::anon_send_exit(a, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(the_directory_gives_its_entries_by_pages) {
  world w;
  auto a = w.sys.spawn([&](base::actor* me) { return w.answers(me); });
  for (auto* path : {"/n/a", "/n/b", "/n/c", "/o/a"}) w.directory.put(path, a);
  auto first = w.directory.entries("/n/", {}, 2);
  BOOST_REQUIRE(first.size() == 2u);
  BOOST_TEST(first[1].path == "/n/b");
  auto rest = w.directory.entries("/n/", first[1].path, 2);
  BOOST_REQUIRE(rest.size() == 1u);
  BOOST_TEST(rest[0].path == "/n/c");
  BOOST_TEST((rest[0].who == a));
  caf::anon_send_exit(a, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(a_request_that_was_answered_leaves_no_timer) {
  struct deterministic : caf::actor_system_config {
    deterministic() { set("scheduler.policy", caf::atom("testing")); }
  } config;
  caf::actor_system sys{config};
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  auto& timers = scheduler.clock().schedule();
  auto answers = sys.spawn([](base::actor*) -> caf::behavior { return {[](int x) { return x; }}; });
  std::vector<caf::response_promise> kept;
  auto silent = sys.spawn([&](base::actor* me) -> caf::behavior {
    return {[&kept, me](int) { kept.push_back(me->make_response_promise()); }};
  });
  int answered = 0, late = 0;
  auto asks = sys.spawn([&](base::actor* me) {
    for (int i = 0; i < 100; ++i)
      me->request(answers, std::chrono::seconds(10), i).then([&](int) { ++answered; }, [](const caf::error&) {});
    me->request(silent, std::chrono::seconds(20), 1).then([] {}, [&](const caf::error&) { ++late; });
  });
  scheduler.run();
  BOOST_TEST(answered == 100);
  BOOST_TEST(timers.size() == 1u);  // of the one that nobody answers
  scheduler.trigger_timeout();
  scheduler.run();
  BOOST_TEST(late == 1);
  BOOST_TEST(timers.empty());
  kept.clear();
  caf::anon_send_exit(silent, caf::exit_reason::kill);
  caf::anon_send_exit(answers, caf::exit_reason::kill);
  scheduler.run();
}

BOOST_AUTO_TEST_SUITE_END()
