#include "test/pod/driver.hpp"

using namespace skerry;
using namespace skerry::pod;
using namespace skerry::pod::testing;

namespace {
constexpr const char* deleting = R"(,"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":7)";

void expect_clean_end(driver& d) {
  d.take<ask::remove_sandbox>();
  BOOST_TEST(d.idle());
  d.send(on::sandbox_removed{});
  d.take<ask::remove_volumes>();
  d.send(on::volumes_removed{});
  d.take<ask::gone>();
  BOOST_TEST(d.machine.gone());
}
}  // namespace

BOOST_AUTO_TEST_SUITE(pod_machine_end)

BOOST_AUTO_TEST_CASE(deletion_stops_and_cleans) {
  driver d{pod_json(one_container)};
  d.set_up();
  d.start_next();
  d.send(on::spec_changed{spec_of(pod_json(one_container, deleting))});
  auto stop = d.take<ask::stop>();
  BOOST_TEST(stop.id == "a-0");
  BOOST_TEST(stop.grace_ms == 7000u);
  BOOST_TEST(d.has_event("Killing"));
  BOOST_TEST(d.idle());
  d.exited("a", 0, 143);
  BOOST_TEST(string_at(d.container(), "state.terminated.reason") == "Error");
  expect_clean_end(d);
}

BOOST_AUTO_TEST_CASE(deletion_in_the_middle_of_setting_up) {
  driver d{pod_json(one_container)};
  d.observe();
  d.take<ask::sandbox>();
  d.take<ask::image>();
  d.send(on::dropped{});
  BOOST_TEST(d.idle());  // it waits for what is under way
  d.send(on::sandbox_made{d.alive()});
  expect_clean_end(d);
}

BOOST_AUTO_TEST_CASE(deletion_while_a_container_starts) {
  driver d{pod_json(one_container)};
  d.set_up();
  auto a = d.take<ask::start>();
  d.send(on::dropped{});
  BOOST_TEST(d.idle());
  d.started(a);
  BOOST_TEST(d.take<ask::stop>().grace_ms == 30'000u);
  d.exited("a", 0, 137);
  expect_clean_end(d);
}

BOOST_AUTO_TEST_CASE(pre_stop_runs_within_the_grace) {
  driver d{pod_json(
      R"({"terminationGracePeriodSeconds":10,"containers":[{"name":"a","image":"x:1","lifecycle":{"preStop":{"exec":{"command":["bye"]}}}}]})")};
  d.set_up();
  d.start_next();
  d.send(on::dropped{});
  auto hook = d.take<ask::exec>();
  BOOST_TEST(hook.command.at(0) == "bye");
  BOOST_TEST(hook.timeout_ms == 10'000u);
  BOOST_TEST(d.idle());
  d.pass(4000);
  d.send(on::exec_done{hook.token, ports::exec_result{0, false, ""}});
  BOOST_TEST(d.take<ask::stop>().grace_ms == 6000u);
}

BOOST_AUTO_TEST_CASE(pre_stop_sleep_and_failure) {
  driver d{pod_json(R"({"terminationGracePeriodSeconds":10,"containers":[
      {"name":"a","image":"x:1","lifecycle":{"preStop":{"sleep":{"seconds":3}}}},
      {"name":"b","image":"x:1","lifecycle":{"preStop":{"exec":{"command":["x"]}}}}]})")};
  d.set_up();
  d.start_next();
  d.start_next();
  d.send(on::dropped{});
  auto hook = d.take<ask::exec>();
  d.send(on::exec_done{hook.token, ports::exec_result{1, false, "no"}});
  BOOST_TEST(d.has_event("FailedPreStopHook"));
  BOOST_TEST(d.take<ask::stop>().id == "b-0");
  d.pass(2999);
  BOOST_TEST(d.idle());
  d.pass(1);
  auto stop = d.take<ask::stop>();
  BOOST_TEST(stop.id == "a-0");
  BOOST_TEST(stop.grace_ms == 7000u);
}

BOOST_AUTO_TEST_CASE(post_start_failure_kills) {
  driver d{pod_json(R"({"containers":[{"name":"a","image":"x:1","lifecycle":{"postStart":{"exec":{"command":["hi"]}}}},
                                      {"name":"b","image":"x:1"}]})")};
  d.set_up();
  d.start_next();
  auto hook = d.take<ask::exec>();
  BOOST_TEST(d.idle());  // b waits for it
  d.send(on::exec_done{hook.token, ports::exec_result{1, false, "no"}});
  BOOST_TEST(d.has_event("FailedPostStartHook"));
  d.take<ask::stop>();
}

BOOST_AUTO_TEST_CASE(a_stop_that_fails_is_tried_again) {
  driver d{pod_json(one_container)};
  d.set_up();
  d.start_next();
  d.send(on::dropped{});
  d.take<ask::stop>();
  d.send(on::stop_failed{"a-0", make_error(errc::timed_out, "stuck")});
  BOOST_TEST(d.idle());
  d.pass(2000);
  BOOST_TEST(d.take<ask::stop>().grace_ms == 0u);
  d.send(on::stop_failed{"a-0", make_error(errc::not_found, "no such container")});
  expect_clean_end(d);
}

BOOST_AUTO_TEST_CASE(removal_that_fails_is_tried_again) {
  driver d{pod_json(one_container)};
  d.observe();
  d.take<ask::sandbox>();
  d.take<ask::image>();
  d.send(on::sandbox_made{d.alive()});
  d.send(on::dropped{});
  d.take<ask::remove_sandbox>();
  d.send(on::sandbox_removed{make_error(errc::io, "busy")});
  BOOST_TEST(d.idle());
  d.pass(1000);
  d.take<ask::remove_sandbox>();
  d.send(on::sandbox_removed{});
  d.take<ask::remove_volumes>();
  d.send(on::volumes_removed{make_error(errc::io, "busy")});
  d.pass(5000);
  d.take<ask::remove_volumes>();
  d.send(on::volumes_removed{});
  d.take<ask::gone>();
}

BOOST_AUTO_TEST_CASE(an_orphan_ends) {
  ports::sandbox_spec s;
  s.uid = "u9";
  s.ns = "old";
  s.name = "gone";
  s.labels = {{label_grace, "3"}};
  ports::container_state c;
  c.id = "c1";
  c.name = "a";
  c.pod_uid = "u9";
  c.phase = ports::container_phase::running;
  driver d{pod_json(one_container)};
  pod_machine m{std::make_shared<pod_spec>(orphan_spec(s, {c})), {}, host(), {}};
  ports::sandbox_state state;
  state.spec = s;
  state.ready = true;
  auto asked = m.step(on::observed{state, {c}}, d.now());
  bool stopped = false;
  for (auto& x : asked)
    if (auto* stop = std::get_if<ask::stop>(&x)) stopped = stop->id == "c1" && stop->grace_ms == 3000;
  BOOST_TEST(stopped);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(pod_machine_adoption)

BOOST_AUTO_TEST_CASE(what_runs_goes_on) {
  driver before{pod_json(R"({"containers":[{"name":"a","image":"x:1","readinessProbe":{"tcpSocket":{"port":80}}}]})")};
  before.set_up();
  before.start_next();
  auto probe = before.take<ask::tcp>();
  before.send(on::probe_done{probe.token, {true, ""}});
  BOOST_TEST(before.condition("Ready"));
  auto told = before.told();

  driver d{pod_json(R"({"containers":[{"name":"a","image":"x:1","readinessProbe":{"tcpSocket":{"port":80}}}]})"),
           {},
           read_status(told)};
  d.clock = 5'000'000;  // another boot of the agent
  auto c = d.ran("a", 3);
  c.id = "a-0";
  c.started_ms = 1'790'000'000'000;
  d.observe(d.alive(),
            {d.ran("a", 1, ports::container_phase::exited), d.ran("a", 2, ports::container_phase::exited), c});
  BOOST_TEST(d.take<ask::remove_container>().id == "a-1");
  auto again = d.take<ask::tcp>();  // probing resumes
  BOOST_TEST(d.idle());
  BOOST_TEST(d.condition("Ready"));  // as was last told
  BOOST_TEST(d.phase() == "Running");
  BOOST_TEST(int_at(d.container(), "restartCount") == 3);
  BOOST_TEST(string_at(d.container(), "state.running.startedAt") == format_time(c.started_ms));
  BOOST_TEST(string_at(d.told(), "startTime") == string_at(told, "startTime"));
  auto since = [](const json::value& t) {
    return std::string{string_at(array_at(t, "conditions").at(2), "lastTransitionTime")};
  };
  BOOST_TEST(since(d.told()) == since(told));
  d.send(on::probe_done{again.token, {true, ""}});
  BOOST_TEST(d.condition("Ready"));
}

BOOST_AUTO_TEST_CASE(what_ended_while_away_is_restarted) {
  driver d{pod_json(
      R"({"initContainers":[{"name":"i","image":"x:1"}],"containers":[{"name":"a","image":"x:1"},{"name":"b","image":"x:1"}]})")};
  d.observe(d.alive(), {d.ran("i", 0, ports::container_phase::exited), d.ran("a", 0),
                        d.ran("b", 2, ports::container_phase::exited)});
  auto b = d.start_next();  // and the init container does not run again
  BOOST_TEST(b.spec.name == "b");
  BOOST_TEST(b.spec.attempt == 3u);
  BOOST_TEST(d.idle());
}

BOOST_AUTO_TEST_CASE(after_a_reboot_all_starts_anew) {
  driver d{pod_json(R"({"initContainers":[{"name":"i","image":"x:1"}],"containers":[{"name":"a","image":"x:1"}]})")};
  auto dead = d.alive();
  dead.ready = false;
  auto a = d.ran("a", 4, ports::container_phase::exited);
  a.exit_code = 137;
  d.observe(dead, {d.ran("i", 0, ports::container_phase::exited), a});
  d.take<ask::remove_sandbox>();
  d.send(on::sandbox_removed{});
  d.take<ask::sandbox>();
  d.image_ok();
  d.send(on::sandbox_made{d.alive("10.0.0.8")});
  BOOST_TEST(d.phase() == "Pending");
  auto i = d.start_next();
  BOOST_TEST(i.spec.name == "i");
  BOOST_TEST(i.spec.attempt == 1u);
  d.exited("i", 1, 0);
  auto again = d.start_next();
  BOOST_TEST(again.spec.attempt == 5u);
  BOOST_TEST(d.phase() == "Running");
  BOOST_TEST(int_at(d.container(), "lastState.terminated.exitCode") == 137);
}

BOOST_AUTO_TEST_CASE(a_finished_pod_stays_finished_after_a_reboot) {
  for (auto policy : {"Never", "OnFailure"}) {
    driver d{
        pod_json(R"({"restartPolicy":")" + std::string{policy} + R"(","containers":[{"name":"a","image":"x:1"}]})")};
    d.observe({}, {d.ran("a", 0, ports::container_phase::exited)});
    BOOST_TEST(d.idle());
    BOOST_TEST(d.phase() == "Succeeded");
  }
  driver lost{pod_json(R"({"restartPolicy":"Never","containers":[{"name":"a","image":"x:1"}]})")};
  lost.observe({}, {lost.ran("a", 0)});  // ran, and its sandbox is gone
  BOOST_TEST(lost.idle());
  BOOST_TEST(lost.phase() == "Failed");
}

BOOST_AUTO_TEST_CASE(another_image_while_away) {
  driver d{pod_json(one_container)};
  auto c = d.ran("a", 0);
  c.labels[label_hash] = "0000";
  d.observe(d.alive(), {c});
  BOOST_TEST(d.take<ask::stop>().id == "a-0");
}

BOOST_AUTO_TEST_SUITE_END()
