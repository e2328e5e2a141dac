#include <atomic>
#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>

#include "supervisors/pool.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using namespace skerry::supervisors;
using test::world;

namespace {

struct finish {};

}  // namespace
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(finish)

namespace {

/// A child that ends normally when it is told to.
start_function finishing(world& w) {
  return [&w](caf::event_based_actor* sup) {
    return sup->spawn([&w](base::actor* me) -> caf::behavior {
      base::prepare(me, w.ctx, "/test");
      return {[me](finish) { me->quit(); }, [](const test::crash& c) { throw std::runtime_error(c.why); }};
    });
  };
}

child_spec significant(std::string id, start_function start, restart when) {
  return {std::move(id), std::move(start), {.when = when, .significant = true}};
}

caf::actor supervise(world& w, supervision rules, std::vector<child_spec> children) {
  return w.sys.spawn(supervisor, supervisor_args{w.parts, "/t", rules, std::move(children)});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(children_that_come_and_go)

BOOST_AUTO_TEST_CASE(a_child_is_added_terminated_started_anew_and_deleted) {
  world w;
  auto top = supervise(w, {}, {worker("a", w.plain())});
  auto a = w.await("/t/a");
  auto b = w.ask<caf::actor>(top, add_child{worker("b", w.plain())});
  BOOST_REQUIRE(b);
  BOOST_TEST((w.directory.find("/t/b") == *b));
  BOOST_TEST((code_of(w.ask<caf::actor>(top, add_child{worker("b", w.plain())}).error()) == errc::already_exists));
  w.self->send(*b, test::crash{"x"});
  auto again = w.await_other("/t/b", *b);
  BOOST_TEST(!w.ask_done(top, delete_child{"b"}));
  w.self->monitor(again);
  BOOST_TEST(w.ask_done(top, terminate_child{"b"}));
  BOOST_TEST((w.await_down(again) == caf::exit_reason::user_shutdown));
  BOOST_TEST(!w.directory.find("/t/b"));
  BOOST_TEST(w.ask_done(top, terminate_child{"b"}));
  BOOST_TEST(static_cast<bool>(w.ask<caf::actor>(top, restart_child{"b"})));
  BOOST_TEST(w.ask_done(top, terminate_child{"b"}));
  BOOST_TEST(w.ask_done(top, delete_child{"b"}));
  BOOST_TEST((code_of(w.ask<caf::actor>(top, restart_child{"b"}).error()) == errc::not_found));
  BOOST_TEST((w.directory.find("/t/a") == a));
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(a_temporary_child_is_forgotten_when_it_ends_and_its_id_is_free) {
  world w;
  auto top = supervise(w, {}, {worker("t", w.plain(), restart::temporary), worker("a", w.plain())});
  auto a = w.await("/t/a");
  w.self->send(w.await("/t/t"), test::crash{"x"});
  w.until([&] { return w.ask<description>(top, describe{})->total == 1; }, "it is forgotten");
  w.self->send(a, test::crash{"y"});
  w.await_other("/t/a", a);
  BOOST_TEST(static_cast<bool>(w.ask<caf::actor>(top, add_child{worker("t", w.plain())})));
  w.stop(top);
  BOOST_TEST(w.directory.list("/t").empty());
}

BOOST_AUTO_TEST_CASE(an_added_child_that_does_not_start_is_told_and_forgotten) {
  world w;
  auto top = supervise(w, {.window = {0, 60'000}}, {worker("a", w.plain())});
  auto broken = worker("b", [](auto*) -> caf::actor { throw std::runtime_error("no disk"); });
  auto answer = w.ask<caf::actor>(top, add_child{broken});
  BOOST_REQUIRE(!answer);
  BOOST_TEST(message_of(answer.error()).find("no disk") != std::string::npos);
  auto d = w.ask<description>(top, describe{});
  BOOST_TEST((d && d->total == 1));
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(arguments_that_make_no_sense_end_it) {
  world w;
  for (auto& children : {std::vector{worker("a", w.plain()), worker("a", w.plain())},
                         std::vector{significant("a", w.plain(), restart::transient)}}) {
    auto top = supervise(w, {}, children);
    w.self->monitor(top);
    BOOST_TEST((code_of(w.await_down(top)) == errc::invalid));
  }
}

BOOST_AUTO_TEST_CASE(a_supervisor_ends_with_its_significant_children) {
  world w;
  auto top = supervise(w, {.on_significant = auto_shutdown::all_significant},
                       {worker("a", w.plain()), significant("s", finishing(w), restart::transient),
                        significant("t", finishing(w), restart::temporary)});
  w.self->monitor(top);
  auto s = w.await("/t/s");
  w.self->send(s, test::crash{"x"});  // transient: it is started again
  auto again = w.await_other("/t/s", s);
  w.self->send(w.await("/t/t"), test::crash{"x"});  // temporary: done, and not the last one
  w.until([&] { return w.ask<description>(top, describe{})->total == 2; }, "the temporary one is gone");
  w.self->send(again, finish{});
  BOOST_TEST((w.await_down(top) == caf::exit_reason::user_shutdown));
  BOOST_TEST(w.directory.list("/t").empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(pools_as_otp_has_them)

BOOST_AUTO_TEST_CASE(who_is_started_again_after_which_end) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  for (auto when : {restart::permanent, restart::transient, restart::temporary})
    for (bool crash : {false, true}) {
      auto id = std::to_string(static_cast<int>(when)) + (crash ? "c" : "n");
      auto c = w.ask<caf::actor>(p, base::start_child{id, finishing(w), when});
      BOOST_REQUIRE(c);
      if (crash)
        w.self->send(*c, test::crash{"x"});
      else
        w.self->send(*c, finish{});
      if (restarts(when, crash ? ending::abnormal : ending::normal))
        w.await_other("/p/" + id, *c);
      else
        w.until([&] { return code_of(w.ask<caf::actor>(p, base::find_child{id}).error()) == errc::not_found; },
                "it is forgotten");
    }
  w.stop(p);
}

BOOST_AUTO_TEST_CASE(a_pool_that_escalates_counts_the_crashes_of_all_its_children) {
  world w;
  auto p = w.sys.spawn(
      pool, pool_args{.parts = w.parts, .path = "/p", .window = {3, 60'000}, .when_overrun = overrun::escalate});
  w.self->monitor(p);
  std::vector<caf::actor> all;
  for (int i = 0; i < 8; ++i) all.push_back(*w.ask<caf::actor>(p, base::start_child{std::to_string(i), w.plain()}));
  for (int i = 0; i < 4; ++i) w.self->send(all[static_cast<size_t>(i)], test::crash{"x"});
  auto why = message_of(w.await_down(p));
  BOOST_TEST(why.find("/p: more than 3 restarts within 60000 ms; last /p/") == 0u);
  w.until([&] { return w.directory.list("/p").empty(); }, "its children are gone");
}

BOOST_AUTO_TEST_CASE(a_pool_says_that_it_is_ready) {
  world w;
  auto start = [&w](caf::event_based_actor* sup) {
    return sup->spawn(pool, pool_args{.parts = w.parts, .path = "/t/p", .parent = caf::actor_cast<caf::actor>(sup)});
  };
  auto top = supervise(w, {.how = strategy::rest_for_one},
                       {subtree("p", start, true, child_kind::pool), ready_worker("z", w.self_ready("/t/z"))});
  w.await("/t/z");
  auto d = w.ask<description>(top, describe{});
  BOOST_TEST((d && d->children[0].kind == child_kind::pool && d->children[0].now == phase::up));
  w.stop(top);
}

BOOST_AUTO_TEST_SUITE_END()
