#include "supervisors/decide.hpp"

#include <boost/test/unit_test.hpp>

#include "supervisors/machine.hpp"
#include "test/supervisors/runner.hpp"

using namespace skerry::supervisors;
using skerry::test::runner;
using skerry::test::text;
using indices = std::vector<size_t>;

namespace {

runner started(strategy s, std::vector<child_rule> rules, restart_window w = {3, 5000}) {
  return skerry::test::started({.how = s, .window = w}, std::move(rules));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decide)

BOOST_AUTO_TEST_CASE(who_is_restarted_after_which_end) {
  struct row {
    restart when;
    ending how;
    bool again;
  };
  for (auto& r : std::vector<row>{{restart::permanent, ending::normal, true},
                                  {restart::permanent, ending::shutdown, true},
                                  {restart::permanent, ending::abnormal, true},
                                  {restart::transient, ending::normal, false},
                                  {restart::transient, ending::shutdown, false},
                                  {restart::transient, ending::abnormal, true},
                                  {restart::temporary, ending::normal, false},
                                  {restart::temporary, ending::shutdown, false},
                                  {restart::temporary, ending::abnormal, false}})
    BOOST_TEST(restarts(r.when, r.how) == r.again);
}

BOOST_AUTO_TEST_CASE(the_window_admits_intensity_restarts_in_a_period) {
  struct row {
    restart_window window;
    std::vector<int64_t> at;
    bool last_admitted;
  };
  for (auto& r : std::vector<row>{{{0, 5000}, {0}, false},
                                  {{1, 5000}, {0}, true},
                                  {{1, 5000}, {0, 5000}, false},
                                  {{1, 5000}, {0, 5001}, true},
                                  {{3, 5000}, {0, 1, 2}, true},
                                  {{3, 5000}, {0, 1, 2, 3}, false},
                                  {{3, 5000}, {0, 2000, 4000, 5500}, true},
                                  {{3, 5000}, {0, 2000, 4000, 5500, 6500}, false}}) {
    std::deque<int64_t> past;
    bool admitted = true;
    for (auto t : r.at) admitted = admit(past, r.window, t);
    BOOST_TEST(admitted == r.last_admitted);
    BOOST_TEST(past.size() <= r.window.intensity + 1u);
  }
}

BOOST_AUTO_TEST_CASE(plans_of_the_strategies) {
  std::vector<child_rule> rules(4);
  rules[2].when = restart::temporary;
  struct row {
    strategy s;
    size_t ended;
    indices stop, start;
  };
  for (auto& r : std::vector<row>{{strategy::one_for_one, 1, {}, {1}},
                                  {strategy::one_for_all, 1, {3, 2, 0}, {0, 1, 3}},
                                  {strategy::rest_for_one, 1, {3, 2}, {1, 3}},
                                  {strategy::rest_for_one, 3, {}, {3}},
                                  {strategy::rest_for_one, 0, {3, 2, 1}, {0, 1, 3}}}) {
    auto p = restart_plan(r.s, rules, r.ended);
    BOOST_TEST(p.stop == r.stop, boost::test_tools::per_element());
    BOOST_TEST(p.start == r.start, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(machines)

BOOST_AUTO_TEST_CASE(start_left_to_right_stop_right_to_left) {
  auto r = started(strategy::one_for_one, std::vector<child_rule>(3));
  BOOST_TEST(r.log == "start0 start1 start2 settled ");
  r.log.clear();
  r.feed(r.m.on_shutdown());
  BOOST_TEST(r.log == "ask2 ask1 ask0 quit ");
  BOOST_TEST(!r.m.culprit().has_value());
}

BOOST_AUTO_TEST_CASE(no_children_is_settled_at_once_and_quits_at_once) {
  auto r = started(strategy::one_for_one, {});
  BOOST_TEST(r.log == "settled ");
  BOOST_TEST(text(r.m.on_shutdown()) == "quit");
}

BOOST_AUTO_TEST_CASE(each_strategy_restarts_whom_it_should) {
  std::vector<child_rule> four(4);
  auto one = started(strategy::one_for_one, four);
  BOOST_TEST(one.down(1, ending::abnormal) == "start1 settled ");
  auto all = started(strategy::one_for_all, four);
  BOOST_TEST(all.down(1, ending::abnormal) == "ask3 ask2 ask0 start0 start1 start2 start3 settled ");
  auto rest = started(strategy::rest_for_one, four);
  for (size_t i = 0; i < 4; ++i) rest.feed(rest.m.on_ready(i));
  BOOST_TEST(rest.down(1, ending::abnormal) == "ask3 ask2 start1 arm1:30000 ");
  for (size_t i = 1; i < 4; ++i) rest.feed(rest.m.on_ready(i));
  BOOST_TEST(rest.log == "ask3 ask2 start1 arm1:30000 start2 arm2:30000 start3 arm3:30000 settled ");
  BOOST_TEST(rest.m.restarts_of(1) == 1u);
  BOOST_TEST(rest.m.restarts_of(2) == 0u);
}

BOOST_AUTO_TEST_CASE(a_transient_child_that_was_done_is_started_with_its_siblings_but_not_alone) {
  std::vector<child_rule> rules(2);
  rules[0].when = restart::transient;
  auto r = started(strategy::one_for_all, rules);
  BOOST_TEST(r.down(0, ending::normal) == "settled ");
  BOOST_TEST(r.down(1, ending::abnormal) == "start0 start1 settled ");
}

BOOST_AUTO_TEST_CASE(a_temporary_child_is_never_started_twice) {
  std::vector<child_rule> rules(2);
  rules[0].when = restart::temporary;
  auto r = started(strategy::one_for_all, rules);
  BOOST_TEST(r.down(1, ending::abnormal) == "ask0 start1 drop0 settled ");
  BOOST_TEST(r.down(0, ending::abnormal) == "start0 settled ");
  r.feed(r.m.on_shutdown());
  BOOST_TEST(r.log == "start0 settled ask0 quit ");
}

BOOST_AUTO_TEST_CASE(an_overrun_window_stops_all_and_escalates) {
  auto r = started(strategy::one_for_one, std::vector<child_rule>(3), {2, 1000});
  BOOST_TEST(r.down(1, ending::abnormal) == "start1 settled ");
  BOOST_TEST(r.down(1, ending::abnormal) == "start1 settled ");
  r.now = 999;
  BOOST_TEST(r.down(1, ending::abnormal) == "ask2 ask0 quit ");
  BOOST_TEST(r.m.culprit().value() == 1u);
}

BOOST_AUTO_TEST_CASE(restarts_that_are_old_do_not_count) {
  auto r = started(strategy::one_for_one, std::vector<child_rule>(1), {1, 1000});
  for (int i = 0; i < 20; ++i) {
    r.now += 1001;
    BOOST_TEST(r.down(0, ending::abnormal) == "start0 settled ");
  }
}

BOOST_AUTO_TEST_CASE(the_next_child_waits_for_ready_until_the_deadline) {
  std::vector<child_rule> rules(2);
  rules[0] = {.awaits_ready = true, .ready_ms = 700};
  machine m{{.how = strategy::one_for_one, .window = {3, 5000}, .at_first = failed_start::retry}, rules};
  BOOST_TEST(text(m.begin()) == "start0");
  auto armed = m.on_started(0);
  BOOST_TEST(text(armed) == "arm0:700");
  BOOST_TEST(text(m.on_ready(1)) == "");
  BOOST_TEST(text(m.on_ready(0)) == "start1");
  BOOST_TEST(text(m.on_started(1)) == "settled");
  BOOST_TEST(text(m.on_deadline(armed[0].generation, 700)) == "");

  machine late{{.how = strategy::one_for_one, .window = {1, 5000}, .at_first = failed_start::retry}, rules};
  late.begin();
  auto first = late.on_started(0);
  BOOST_TEST(text(late.on_deadline(first[0].generation, 700)) == "kill0 arm0:10000");
  BOOST_TEST(!late.stopping(0));
  BOOST_TEST(text(late.on_down(0, ending::abnormal, 701)) == "start0");
  auto second = late.on_started(0);
  late.on_deadline(second[0].generation, 1400);
  BOOST_TEST(text(late.on_down(0, ending::abnormal, 1401)) == "quit");
}

BOOST_AUTO_TEST_CASE(a_child_that_ends_while_the_next_ones_are_not_started_yet) {
  std::vector<child_rule> rules(3);
  auto r = started(strategy::rest_for_one, rules);
  BOOST_TEST(r.log == "start0 arm0:30000 ");
  r.log.clear();
  r.feed(r.m.on_ready(0));
  BOOST_TEST(r.log == "start1 arm1:30000 ");
  BOOST_TEST(r.down(0, ending::abnormal) == "");  // waits until the start in hand is over
  r.log.clear();
  r.feed(r.m.on_ready(1));
  BOOST_TEST(r.log == "ask1 start0 arm0:30000 ");
  r.log.clear();
  for (size_t i = 0; i < 3; ++i) r.feed(r.m.on_ready(i));
  BOOST_TEST(r.log == "start1 arm1:30000 start2 arm2:30000 settled ");
}

BOOST_AUTO_TEST_CASE(who_does_not_stop_in_time_is_killed_and_at_last_abandoned) {
  std::vector<child_rule> rules(2);
  rules[1].shutdown.ms = 300;
  rules[0].shutdown.ms = shutdown_rule::brutal_kill;
  machine m{{.how = strategy::one_for_one, .window = {3, 5000}, .at_first = failed_start::retry}, rules};
  m.begin();
  m.on_started(0);
  m.on_started(1);
  auto asked = m.on_shutdown();
  BOOST_TEST(text(asked) == "ask1 arm1:300");
  BOOST_TEST(m.stopping(1));
  auto killed = m.on_deadline(asked[1].generation, 300);
  BOOST_TEST(text(killed) == "kill1 arm1:10000");
  BOOST_TEST(text(m.on_deadline(asked[1].generation, 301)) == "");
  auto abandoned = m.on_deadline(killed[1].generation, 10'300);
  BOOST_TEST(text(abandoned) == "abandon1 kill0 arm0:10000");
  BOOST_TEST(text(m.on_down(0, ending::abnormal, 10'301)) == "quit");
}

BOOST_AUTO_TEST_CASE(ends_during_a_plan_wait_and_are_answered_by_it_where_it_starts_them) {
  std::vector<child_rule> rules(3);
  machine m{{.how = strategy::one_for_all, .window = {10, 5000}, .at_first = failed_start::retry}, rules};
  m.begin();
  for (size_t i = 0; i < 3; ++i) m.on_started(i);
  BOOST_TEST(text(m.on_down(1, ending::abnormal, 0)) == "ask2 arm2:5000");
  BOOST_TEST(text(m.on_down(0, ending::abnormal, 1)) == "");  // by itself, before its turn to be stopped
  BOOST_TEST(text(m.on_down(2, ending::shutdown, 2)) == "start0");
  BOOST_TEST(text(m.on_started(0)) == "start1");
  BOOST_TEST(text(m.on_started(1)) == "start2");
  BOOST_TEST(text(m.on_started(2)) == "settled");
}

BOOST_AUTO_TEST_CASE(a_shutdown_in_the_middle_of_a_start_stops_what_was_started) {
  std::vector<child_rule> rules(3);
  rules[1].awaits_ready = true;
  auto r = started(strategy::one_for_one, rules);
  r.log.clear();
  r.feed(r.m.on_shutdown());
  BOOST_TEST(r.log == "ask1 ask0 quit ");
}

BOOST_AUTO_TEST_SUITE_END()
