#include "supervisors/supervisor.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <random>
#include <set>

#include "supervisors/pool.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using namespace skerry::supervisors;
using test::world;

BOOST_AUTO_TEST_SUITE(supervisor_actor)

BOOST_AUTO_TEST_CASE(a_crashed_child_is_replaced_reported_and_found_at_its_path) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {3, 60'000}, {worker("a", w.plain()), worker("b", w.plain())});
  auto a = w.await("/t/a");
  auto b = w.await("/t/b");
  w.self->send(a, test::crash{"disk fell off"});
  auto again = w.await_other("/t/a", a);
  BOOST_TEST((w.directory.find("/t/b") == b));
  BOOST_TEST((again != a));
  auto reports = w.crashes.reports();
  BOOST_REQUIRE(reports.size() == 1u);
  BOOST_TEST(reports[0].path == "/t/a");
  BOOST_TEST(reports[0].why.ends_with(" crashed on skerry::test::crash: disk fell off"));
  BOOST_TEST(reports[0].restarts == 0u);
  BOOST_TEST(reports[0].at_ms == world::wall_start_ms);
  w.stop(top);
  BOOST_TEST(w.directory.list("/t").empty());
}

BOOST_AUTO_TEST_CASE(a_killed_child_does_not_take_its_supervisor_along) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {3, 60'000}, {worker("a", w.plain())});
  auto a = w.await("/t/a");
  caf::anon_send_exit(a, caf::exit_reason::kill);
  w.await_other("/t/a", a);
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(an_overrun_window_ends_the_supervisor_with_an_error_that_names_the_child) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {2, 60'000}, {worker("a", w.plain()), worker("b", w.plain())});
  w.self->monitor(top);
  auto b = w.await("/t/b");
  w.self->monitor(b);
  caf::actor a;
  for (int i = 0; i < 3; ++i) {
    a = w.await_other("/t/a", a);
    w.self->send(a, test::crash{"again"});
  }
  auto why = w.await_down(top);
  BOOST_TEST(message_of(why).find("/t: more than 2 restarts within 60000 ms; last /t/a") == 0u);
  BOOST_TEST((w.await_down(b) == caf::exit_reason::user_shutdown));
  BOOST_TEST(w.crashes.total() == 3u);
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_ends_the_supervisor_at_once_or_after_its_window) {
  for (auto at_first : {failed_start::give_up, failed_start::retry}) {
    world w;
    std::atomic<int> starts{0};
    auto broken = [&](auto*) -> caf::actor {
      ++starts;
      throw std::runtime_error("port 6443 is in use");
    };
    auto top = w.sys.spawn(supervisor, supervisor_args{w.parts,
                                                       "/t",
                                                       {.window = {2, 60'000}, .at_first = at_first},
                                                       {worker("z", w.plain()), worker("a", broken)}});
    w.self->monitor(top);
    auto why = message_of(w.await_down(top));
    BOOST_TEST(why.find("port 6443 is in use") != std::string::npos);
    BOOST_TEST(starts == (at_first == failed_start::give_up ? 1 : 3));
    BOOST_TEST(why.starts_with("/t: /t/a did not start") == (at_first == failed_start::give_up));
    BOOST_TEST(w.directory.list("/t").empty());
  }
}

BOOST_AUTO_TEST_CASE(escalation_goes_up_one_level_and_the_subtree_comes_back) {
  world w;
  auto inner = [&w](caf::event_based_actor* sup) {
    return sup->spawn(supervisor,
                      supervisor_args{w.parts, "/t/inner", {.window = {1, 60'000}}, {worker("a", w.plain())}});
  };
  auto top = w.supervise("/t", strategy::one_for_one, {3, 60'000}, {subtree("inner", inner), worker("z", w.plain())});
  auto first = w.await("/t/inner");
  auto z = w.await("/t/z");
  caf::actor a;
  for (int i = 0; i < 2; ++i) {
    a = w.await_other("/t/inner/a", a);
    w.self->send(a, test::crash{"again"});
  }
  w.await_other("/t/inner", first);
  w.await_other("/t/inner/a", a);
  BOOST_TEST((w.directory.find("/t/z") == z));
  w.stop(top);
  BOOST_TEST(w.directory.list("/t").empty());
}

BOOST_AUTO_TEST_CASE(ready_orders_the_start_of_children_and_of_subtrees) {
  world w;
  auto inner = [&w](caf::event_based_actor* sup) {
    return sup->spawn(supervisor, supervisor_args{w.parts,
                                                  "/t/inner",
                                                  {.how = strategy::rest_for_one},
                                                  {ready_worker("slow", w.slow())},
                                                  caf::actor_cast<caf::actor>(sup)});
  };
  auto top = w.supervise("/t", strategy::rest_for_one, {},
                         {subtree("inner", inner, true), ready_worker("last", w.self_ready("/t/last"))});
  auto slow = w.await("/t/inner/slow");
  BOOST_TEST(!w.directory.find("/t/last"));
  w.self->send(slow, test::become_ready{});
  w.await("/t/last");
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(a_child_that_ignores_the_request_to_stop_is_killed_at_its_deadline) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {}, {worker("mule", w.stubborn(), restart::permanent, 20)});
  auto mule = w.await("/t/mule");
  w.self->monitor(mule);
  w.stop(top);
  BOOST_TEST((w.await_down(mule) == caf::exit_reason::kill));
}

BOOST_AUTO_TEST_CASE(killing_a_supervisor_leaves_no_orphans) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {}, {worker("a", w.plain())});
  auto a = w.await("/t/a");
  w.self->monitor(a);
  caf::anon_send_exit(top, caf::exit_reason::kill);
  w.await_down(a);
  w.until([&] { return w.directory.list("/t").empty(); }, "the directory forgets it");
}

/// A tree of 50 workers under three strategies, 1,000 kills of anything in it but the root: all are there in the end.
BOOST_AUTO_TEST_CASE(a_tree_of_fifty_workers_survives_a_thousand_random_kills) {
  world w;
  constexpr restart_window patient{5'000, 600'000};
  auto group = [&](int g, strategy s) {
    auto path = "/t/g" + std::to_string(g);
    auto start = [&w, path, s, g](caf::event_based_actor* sup) {
      std::vector<child_spec> ten;
      for (int i = 0; i < 10; ++i) {
        auto id = "w" + std::to_string(i);
        ten.push_back(g % 2 == 0 ? ready_worker(id, w.self_ready(path + "/" + id)) : worker(id, w.plain()));
      }
      return sup->spawn(
          supervisor,
          supervisor_args{
              w.parts, path, {.how = s, .window = patient, .at_first = failed_start::retry}, std::move(ten)});
    };
    return subtree("g" + std::to_string(g), start);
  };
  auto top =
      w.supervise("/t", strategy::one_for_one, patient,
                  {group(0, strategy::one_for_one), group(1, strategy::one_for_one), group(2, strategy::rest_for_one),
                   group(3, strategy::one_for_all), group(4, strategy::one_for_all)});
  auto complete = [&] { return w.directory.list("/t/").size() == 55; };
  w.until(complete, "55 actors stand");
  std::mt19937 dice{20261123};
  std::set<caf::actor_id> killed;
  auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (w.crashes.total() < 1'000 && std::chrono::steady_clock::now() < give_up) {
    auto paths = w.directory.list("/t/");
    if (paths.empty()) continue;
    auto victim = w.directory.find(paths[dice() % paths.size()]);
    if (!victim || !killed.insert(victim.id()).second) {
      std::this_thread::yield();
      continue;
    }
    switch (dice() % 3) {
      case 0:
        caf::anon_send_exit(victim, caf::exit_reason::kill);
        break;
      case 1:
        caf::anon_send(victim, test::crash{"chaos"});
        break;
      default:
        caf::anon_send_exit(victim, caf::exit_reason::remote_link_unreachable);
        break;
    }
  }
  BOOST_TEST(w.crashes.total() >= 1'000u);
  w.until(complete, "55 actors stand again");
  w.until([&] { return w.all_answer("/t/", "w") == 50; }, "each of the 50 workers answers");
  BOOST_TEST(complete());
  w.stop(top);
  BOOST_TEST(w.directory.list("/t").empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(pools)

BOOST_AUTO_TEST_CASE(start_find_stop) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  auto a = w.ask<caf::actor>(p, base::start_child{"a", w.plain()});
  BOOST_REQUIRE(a);
  BOOST_TEST((w.directory.find("/p/a") == *a));
  auto twice = w.ask<caf::actor>(p, base::start_child{"a", w.plain()});
  BOOST_TEST((code_of(twice.error()) == errc::already_exists));
  BOOST_TEST((*w.ask<caf::actor>(p, base::find_child{"a"}) == *a));
  w.self->monitor(*a);
  BOOST_TEST(w.ask_done(p, base::stop_child{"a"}));
  BOOST_TEST((w.await_down(*a) == caf::exit_reason::user_shutdown));
  BOOST_TEST(w.ask_done(p, base::stop_child{"a"}));
  BOOST_TEST((code_of(w.ask<caf::actor>(p, base::find_child{"a"}).error()) == errc::not_found));
  w.stop(p);
}

BOOST_AUTO_TEST_CASE(a_stubborn_child_is_killed_and_the_stop_answered) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  auto a = w.ask<caf::actor>(p, base::start_child{"a", w.stubborn()});
  w.self->monitor(*a);
  BOOST_TEST(w.ask_done(p, base::stop_child{"a", 10}));
  BOOST_TEST((w.await_down(*a) == caf::exit_reason::kill));
  w.stop(p);
}

BOOST_AUTO_TEST_CASE(a_crash_restarts_a_transient_child_and_forgets_a_temporary_one) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  auto a = w.ask<caf::actor>(p, base::start_child{"a", w.plain()});
  auto t = w.ask<caf::actor>(p, base::start_child{"t", w.plain(), restart::temporary});
  w.self->send(*a, test::crash{"x"});
  w.self->send(*t, test::crash{"x"});
  w.await_other("/p/a", *a);
  w.until([&] { return !w.directory.find("/p/t"); }, "the temporary one is gone");
  BOOST_TEST((code_of(w.ask<caf::actor>(p, base::find_child{"t"}).error()) == errc::not_found));
  w.stop(p);
}

BOOST_AUTO_TEST_CASE(a_poisoned_child_is_paused_and_its_neighbours_live) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p", .window = {2, 60'000}, .pause_ms_min = 30});
  auto good = w.ask<caf::actor>(p, base::start_child{"good", w.plain()});
  auto bad = w.ask<caf::actor>(p, base::start_child{"bad", w.plain()});
  caf::actor now = *bad;
  for (int i = 0; i < 5; ++i) {
    w.self->send(now, test::crash{"poison"});
    now = w.await_other("/p/bad", now);
  }
  BOOST_TEST((w.directory.find("/p/good") == *good));
  BOOST_TEST(w.crashes.total() == 5u);
  BOOST_TEST(w.ask_done(p, base::stop_child{"bad"}));
  w.stop(p);
  BOOST_TEST(w.directory.list("/p").empty());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_pool_is_the_end_of_all_its_children) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p", .shutdown_ms = 20});
  std::vector<caf::actor> all;
  for (int i = 0; i < 100; ++i) {
    auto c = w.ask<caf::actor>(p, base::start_child{"c" + std::to_string(i), i % 2 ? w.plain() : w.stubborn()});
    BOOST_REQUIRE(c);
    all.push_back(*c);
    w.self->monitor(*c);
  }
  w.stop(p);
  for (auto& c : all) w.await_down(c);
  BOOST_TEST(w.directory.list("/p").empty());
}

BOOST_AUTO_TEST_SUITE_END()
