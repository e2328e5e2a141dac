#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>
#include <future>
#include <set>

#include "supervisors/pool.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using namespace skerry::supervisors;
using test::world;

namespace {

/// Holds a supervisor up in the start of a child.
struct brake {
  std::promise<void> held, go;

  start_function starts(start_function what) {
    return [this, what](caf::event_based_actor* sup) {
      held.set_value();
      go.get_future().wait();
      return what(sup);
    };
  }
};

/// A child that crashes when it is asked to stop.
start_function breaks_when_asked(world& w) {
  return [&w](caf::event_based_actor* sup) {
    return sup->spawn([&w](base::actor* me) -> caf::behavior {
      base::prepare(me, w.ctx, "/test");
      me->set_exit_handler([](caf::exit_msg&) { throw std::runtime_error("nothing can stop me"); });
      return {[](const test::ping&) { return true; }};
    });
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(every_crash_leaves_a_report)

/// The child's end waits in the mailbox of its supervisor when that is killed.
BOOST_AUTO_TEST_CASE(of_a_child_whose_supervisor_does_not_live_to_see_it) {
  for (bool pools : {false, true}) {
    world w;
    auto top = pools ? w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/t"})
                     : w.supervise("/t", strategy::one_for_one, {}, {worker("a", w.plain()), worker("b", w.plain())});
    if (pools)
      for (auto* id : {"a", "b"}) BOOST_REQUIRE((w.ask<caf::actor>(top, base::start_child{id, w.plain()})));
    auto a = w.await("/t/a"), b = w.await("/t/b");
    w.self->monitor(top);
    w.self->monitor(a);
    w.self->monitor(b);
    brake stop;
    if (pools)
      caf::anon_send(top, base::start_child{"c", stop.starts(w.plain())});
    else
      caf::anon_send(top, add_child{worker("c", stop.starts(w.plain()))});
    stop.held.get_future().wait();
    w.self->send_exit(top, caf::exit_reason::kill);  // comes before the end of its child
    w.self->send(a, test::crash{"disk fell off"});
    w.await_down(a);
    stop.go.set_value();
    w.await_down(top);
    BOOST_TEST((w.await_down(b) == caf::exit_reason::kill));
    w.until([&] { return w.crashes.total() > 0; }, "the crash is reported");
    auto reports = w.crashes.reports();
    BOOST_TEST(reports.size() == 1u);  // what was killed for its supervisor's sake is no crash
    BOOST_TEST(reports[0].path == "/t/a");
    BOOST_TEST(reports[0].why.ends_with("disk fell off"));
    BOOST_TEST(reports[0].last_message == "skerry::test::crash");
    w.until([&] { return w.directory.list("/t").empty(); }, "the directory forgets them");
  }
}

BOOST_AUTO_TEST_CASE(of_a_child_that_crashes_while_it_is_stopped) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {}, {worker("a", breaks_when_asked(w))});
  w.await("/t/a");
  w.stop(top);
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  BOOST_REQUIRE((w.ask<caf::actor>(p, base::start_child{"a", breaks_when_asked(w)})));
  BOOST_TEST(w.ask_done(p, base::stop_child{"a"}));
  w.stop(p);
  auto reports = w.crashes.reports();
  BOOST_REQUIRE(reports.size() == 2u);
  BOOST_TEST(reports[0].path == "/t/a");
  BOOST_TEST(reports[1].path == "/p/a");
  for (auto& r : reports) BOOST_TEST(r.why.find("nothing can stop me") != std::string::npos);
}

/// As OTP's: one that had to be killed is reported, one whose rule says so is not.
BOOST_AUTO_TEST_CASE(of_a_child_that_does_not_stop_in_time) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {},
                         {worker("mule", w.stubborn(), restart::permanent, 20),
                          worker("lamb", w.stubborn(), restart::permanent, shutdown_rule::brutal_kill)});
  w.await("/t/lamb");
  w.stop(top);
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  for (auto* id : {"mule", "lamb"}) BOOST_REQUIRE((w.ask<caf::actor>(p, base::start_child{id, w.stubborn()})));
  BOOST_TEST(w.ask_done(p, base::stop_child{"mule", 20}));
  BOOST_TEST(w.ask_done(p, base::stop_child{"lamb", shutdown_rule::brutal_kill}));
  w.stop(p);
  std::set<std::string> paths;
  for (auto& r : w.crashes.reports()) paths.insert(r.path);
  BOOST_TEST((paths == std::set<std::string>{"/t/mule", "/p/mule"}));
}

BOOST_AUTO_TEST_CASE(of_a_permanent_child_that_ends_normally_in_a_pool_as_under_a_supervisor) {
  world w;
  auto done = [](caf::event_based_actor* sup) {
    return sup->spawn([](base::actor* me) -> caf::behavior { return {[me](const test::ping&) { me->quit(); }}; });
  };
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p"});
  auto a = w.ask<caf::actor>(p, base::start_child{"a", done, restart::permanent});
  BOOST_REQUIRE(a);
  w.self->send(*a, test::ping{});
  w.await_other("/p/a", *a);
  auto reports = w.crashes.reports();
  BOOST_REQUIRE(reports.size() == 1u);
  BOOST_TEST(reports[0].why == "ended normally");
  w.stop(p);
}

BOOST_AUTO_TEST_CASE(of_a_root) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {}, {});
  report_end(w.parts, top);
  w.self->monitor(top);
  caf::anon_send_exit(top, caf::exit_reason::kill);
  w.await_down(top);
  w.until([&] { return w.crashes.total() > 0; }, "the crash is reported");
  BOOST_TEST(w.crashes.reports()[0].path == "/t");
  auto asked = w.supervise("/u", strategy::one_for_one, {}, {});
  report_end(w.parts, asked);
  w.stop(asked);
  BOOST_TEST(w.crashes.total() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
