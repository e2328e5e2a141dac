#include <boost/test/unit_test.hpp>

#include "supervisors/machine.hpp"
#include "test/supervisors/runner.hpp"

using namespace skerry::supervisors;
using skerry::test::runner;
using skerry::test::started;

BOOST_AUTO_TEST_SUITE(significant_children)

BOOST_AUTO_TEST_CASE(whose_end_ends_the_supervisor) {
  constexpr auto never = auto_shutdown::never, any = auto_shutdown::any_significant,
                 all = auto_shutdown::all_significant;
  // Children 0 and 1 are significant (0 transient, 1 temporary), 2 is transient and is not.
  std::vector<child_rule> rules(3);
  rules[0] = {.when = restart::transient, .significant = true};
  rules[1] = {.when = restart::temporary, .significant = true};
  rules[2] = {.when = restart::transient};
  struct row {
    auto_shutdown mode;
    std::vector<bool> active;
    size_t ended;
    ending how;
    bool ends;
  };
  for (auto& r : std::vector<row>{{never, {false, false, true}, 0, ending::normal, false},
                                  {any, {false, true, true}, 0, ending::normal, true},
                                  {any, {false, true, true}, 0, ending::shutdown, true},
                                  {any, {false, true, true}, 0, ending::abnormal, false},  // it is restarted
                                  {any, {true, false, true}, 1, ending::normal, true},
                                  {any, {true, false, true}, 1, ending::abnormal, true},
                                  {any, {true, true, false}, 2, ending::normal, false},
                                  {all, {false, true, true}, 0, ending::normal, false},
                                  {all, {true, false, true}, 1, ending::abnormal, false},
                                  {all, {false, false, true}, 0, ending::normal, true},
                                  {all, {false, false, true}, 1, ending::abnormal, true},
                                  {all, {false, false, false}, 2, ending::normal, false}})
    BOOST_TEST(ends_supervisor(r.mode, rules, r.active, r.ended, r.how) == r.ends);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  struct row {
    auto_shutdown mode;
    child_rule rule;
    bool fine;
  };
  for (auto& r :
       std::vector<row>{{auto_shutdown::never, {}, true},
                        {auto_shutdown::any_significant, {}, true},
                        {auto_shutdown::any_significant, {.when = restart::permanent, .significant = true}, false},
                        {auto_shutdown::all_significant, {.when = restart::transient, .significant = true}, true},
                        {auto_shutdown::all_significant, {.when = restart::temporary, .significant = true}, true},
                        {auto_shutdown::never, {.when = restart::transient, .significant = true}, false}})
    BOOST_TEST(fault_of({.on_significant = r.mode}, r.rule).empty() == r.fine);
}

BOOST_AUTO_TEST_CASE(the_supervisor_stops_the_others_and_quits) {
  std::vector<child_rule> rules(3);
  rules[1] = {.when = restart::transient, .significant = true};
  auto r = started({.on_significant = auto_shutdown::any_significant}, rules);
  BOOST_TEST(r.down(1, ending::abnormal) == "start1 settled ");
  BOOST_TEST(r.down(1, ending::normal) == "ask2 ask0 quit ");
  BOOST_TEST((r.m.why() == farewell::significant && r.m.culprit() == 1u));
}

BOOST_AUTO_TEST_CASE(all_waits_for_one_that_is_being_restarted) {
  std::vector<child_rule> rules(2, {.when = restart::transient, .significant = true});
  auto r = started({.on_significant = auto_shutdown::all_significant}, rules);
  BOOST_TEST(r.down(0, ending::normal) == "settled ");
  BOOST_TEST(r.down(1, ending::abnormal) == "start1 settled ");
  BOOST_TEST(r.down(1, ending::shutdown) == "quit ");
}

BOOST_AUTO_TEST_CASE(a_child_that_is_terminated_did_not_end_by_itself) {
  std::vector<child_rule> rules(2);
  rules[1] = {.when = restart::transient, .significant = true};
  auto r = started({.on_significant = auto_shutdown::any_significant}, rules);
  BOOST_TEST(r.wish(r.m.on_terminate(1)) == "ask1 settled ");
  BOOST_TEST(!r.m.quitting());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(failed_starts)

BOOST_AUTO_TEST_CASE(the_first_failed_start_ends_the_supervisor_if_it_is_strict) {
  machine m{{.at_first = failed_start::give_up}, std::vector<child_rule>(3)};
  m.begin();
  m.on_started(0);
  BOOST_TEST(skerry::test::text(m.on_down(1, ending::abnormal, 0)) == "ask0 arm0:5000");
  BOOST_TEST(skerry::test::text(m.on_down(0, ending::shutdown, 1)) == "quit");
  BOOST_TEST((m.why() == farewell::failed_start && m.culprit() == 1u));
}

BOOST_AUTO_TEST_CASE(one_that_is_not_ready_in_time_did_not_start) {
  machine m{{.at_first = failed_start::give_up}, {{.awaits_ready = true, .ready_ms = 7}}};
  m.begin();
  auto armed = m.on_started(0);
  m.on_deadline(armed[0].generation, 7);
  BOOST_TEST(skerry::test::text(m.on_down(0, ending::abnormal, 8)) == "quit");
  BOOST_TEST((m.why() == farewell::failed_start));
}

BOOST_AUTO_TEST_CASE(later_failed_starts_are_crashes_within_the_window) {
  machine m{{.window = {2, 5000}, .at_first = failed_start::give_up}, std::vector<child_rule>(1)};
  m.begin();
  m.on_started(0);
  BOOST_TEST(skerry::test::text(m.on_down(0, ending::abnormal, 0)) == "start0");
  BOOST_TEST(skerry::test::text(m.on_down(0, ending::abnormal, 1)) == "start0");
  BOOST_TEST(skerry::test::text(m.on_down(0, ending::abnormal, 2)) == "quit");
  BOOST_TEST((m.why() == farewell::overrun));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(wishes)

BOOST_AUTO_TEST_CASE(a_restart_takes_along_whom_the_strategy_binds) {
  struct row {
    strategy how;
    const char* log;
  };
  for (auto& r : std::vector<row>{{strategy::one_for_one, "ask1 start1 settled "},
                                  {strategy::one_for_all, "ask2 ask1 ask0 start0 start1 start2 settled "}}) {
    auto run = started({.how = r.how, .window = {0, 1000}}, std::vector<child_rule>(3));
    BOOST_TEST(run.wish(run.m.on_restart(1)) == r.log);
    BOOST_TEST(run.m.restarts_of(1) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_terminated_child_stays_down_until_it_is_wanted_or_a_sibling_takes_it_along) {
  auto r = started({.how = strategy::one_for_all}, std::vector<child_rule>(3));
  BOOST_TEST(r.wish(r.m.on_terminate(1)) == "ask1 settled ");
  BOOST_TEST(r.m.idle(1));
  BOOST_TEST(r.wish(r.m.on_terminate(1)) == "settled ");
  BOOST_TEST(r.down(0, ending::abnormal) == "ask2 start0 start1 start2 settled ");
  auto alone = started({}, std::vector<child_rule>(2));
  alone.wish(alone.m.on_terminate(1));
  BOOST_TEST(alone.wish(alone.m.on_restart(1)) == "start1 settled ");
}

BOOST_AUTO_TEST_CASE(a_child_that_is_down_can_be_deleted_and_those_behind_it_move_down) {
  auto r = started({}, std::vector<child_rule>(3));
  BOOST_TEST(r.wish(r.m.on_delete(1)) == "");
  r.wish(r.m.on_terminate(1));
  BOOST_TEST(r.wish(r.m.on_delete(1)) == "drop1 ");
  BOOST_TEST(r.down(1, ending::abnormal) == "start1 settled ");
  BOOST_TEST(r.wish(r.m.on_shutdown()) == "ask1 ask0 quit ");
}

BOOST_AUTO_TEST_CASE(a_terminated_temporary_child_is_forgotten) {
  std::vector<child_rule> rules(2);
  rules[0].when = restart::temporary;
  auto r = started({}, rules);
  BOOST_TEST(r.wish(r.m.on_terminate(0)) == "ask0 drop0 settled ");
}

BOOST_AUTO_TEST_CASE(a_temporary_child_that_is_started_anew_is_not_forgotten) {
  std::vector<child_rule> rules(1);
  rules[0].when = restart::temporary;
  auto r = started({}, rules);
  BOOST_TEST(r.wish(r.m.on_restart(0)) == "ask0 start0 settled ");
}

BOOST_AUTO_TEST_CASE(a_child_is_added_behind_the_others_and_dropped_if_it_does_not_start) {
  auto r = started({}, std::vector<child_rule>(1));
  BOOST_TEST(r.wish(r.m.on_add({.shutdown = {shutdown_rule::infinity}})) == "start1 settled ");
  BOOST_TEST(r.down(1, ending::abnormal) == "start1 settled ");
  BOOST_TEST(skerry::test::text(r.m.on_add({})) == "start2");
  BOOST_TEST(r.m.added(2));
  BOOST_TEST(skerry::test::text(r.m.on_down(2, ending::abnormal, 0)) == "drop2 settled");
}

BOOST_AUTO_TEST_CASE(a_child_that_is_added_first_of_all_starts_with_the_others_and_its_failure_is_its_own) {
  machine m{{.at_first = failed_start::give_up}, std::vector<child_rule>(1)};
  BOOST_TEST(skerry::test::text(m.on_add({})) == "");
  BOOST_TEST(skerry::test::text(m.begin()) == "start0");
  BOOST_TEST(skerry::test::text(m.on_started(0)) == "start1");
  BOOST_TEST(skerry::test::text(m.on_down(1, ending::abnormal, 0)) == "drop1 settled");
}

BOOST_AUTO_TEST_CASE(wishes_wait_until_what_goes_on_is_done) {
  std::vector<child_rule> rules(2);
  rules[1].awaits_ready = true;
  auto r = started({}, rules);
  BOOST_TEST(r.wish(r.m.on_terminate(0)) == "");
  BOOST_TEST(r.wish(r.m.on_ready(1)) == "ask0 settled ");
}

BOOST_AUTO_TEST_SUITE_END()
