#include "test/pod/driver.hpp"

using namespace skerry;
using namespace skerry::pod;
using namespace skerry::pod::testing;

namespace {
std::string with(const std::string& probes) {
  return pod_json(R"({"containers":[{"name":"a","image":"x:1","ports":[{"name":"http","containerPort":8080}],)" +
                  probes + "}]}");
}
}  // namespace

BOOST_AUTO_TEST_SUITE(pod_probes)

BOOST_AUTO_TEST_CASE(readiness_by_thresholds) {
  driver d{
      with(R"("readinessProbe":{"httpGet":{"path":"healthz","port":"http","httpHeaders":[{"name":"X","value":"y"}]},
      "initialDelaySeconds":5,"periodSeconds":3,"timeoutSeconds":2,"successThreshold":2,"failureThreshold":2})")};
  d.set_up();
  d.start_next();
  BOOST_TEST(!d.condition("Ready"));
  BOOST_TEST(d.container().at("started").as_bool());
  d.pass(4999);
  BOOST_TEST(d.idle());
  d.pass(1);
  auto p = d.take<ask::http>();
  BOOST_TEST(p.probe.host == "10.0.0.7");
  BOOST_TEST(p.probe.port == 8080);
  BOOST_TEST(p.probe.path == "/healthz");
  BOOST_TEST(p.probe.headers.at(0).second == "y");
  BOOST_TEST(p.timeout_ms == 2000u);
  d.send(on::probe_done{p.token, {true, ""}});
  BOOST_TEST(!d.condition("Ready"));
  d.pass(2999);
  BOOST_TEST(d.idle());
  d.pass(1);
  d.send(on::probe_done{d.take<ask::http>().token, {true, ""}});
  BOOST_TEST(d.condition("Ready"));
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(d.condition("Ready"));
    d.pass(3000);
    d.send(on::probe_done{d.take<ask::http>().token, {false, "HTTP probe failed with statuscode: 500"}});
  }
  BOOST_TEST(!d.condition("Ready"));
  BOOST_TEST(d.has_event("Unhealthy"));
  BOOST_TEST(d.phase() == "Running");
  BOOST_TEST(d.idle());
}

BOOST_AUTO_TEST_CASE(liveness_restarts) {
  driver d{with(
      R"("livenessProbe":{"tcpSocket":{"port":81},"periodSeconds":1,"failureThreshold":3,"terminationGracePeriodSeconds":4})")};
  d.set_up();
  d.start_next();
  BOOST_TEST(d.condition("Ready"));
  for (int i = 0; i < 3; ++i) {
    auto p = d.take<ask::tcp>();
    BOOST_TEST(p.port == 81);
    d.send(on::probe_done{p.token, {false, "refused"}});
    if (i < 2) d.pass(1000);
  }
  auto stop = d.take<ask::stop>();
  BOOST_TEST(stop.grace_ms == 4000u);
  d.pass(5000);
  BOOST_TEST(d.idle());  // no probes while it stops
  d.exited("a", 0, 137);
  BOOST_TEST(d.start_next().spec.attempt == 1u);
  auto p = d.take<ask::tcp>();
  BOOST_TEST(p.token.generation > 1u);
}

BOOST_AUTO_TEST_CASE(startup_gates_the_others) {
  driver d{with(R"("startupProbe":{"exec":{"command":["up"]},"periodSeconds":2,"failureThreshold":3},
      "livenessProbe":{"tcpSocket":{"port":81}},"readinessProbe":{"tcpSocket":{"port":82}})")};
  d.set_up();
  d.start_next();
  auto e = d.take<ask::exec>();
  BOOST_TEST(e.command.at(0) == "up");
  BOOST_TEST(d.idle());
  BOOST_TEST(!d.container().at("started").as_bool());
  d.send(on::exec_done{e.token, ports::exec_result{1, false, "not yet"}});
  d.pass(2000);
  e = d.take<ask::exec>();
  d.send(on::exec_done{e.token, ports::exec_result{0, false, ""}});
  BOOST_TEST(d.container().at("started").as_bool());
  BOOST_TEST(d.take<ask::tcp>().port == 82);
  BOOST_TEST(d.take<ask::tcp>().port == 81);
  BOOST_TEST(d.idle());
  d.pass(10'000);
  BOOST_TEST(d.idle());  // one in flight at a time
}

BOOST_AUTO_TEST_CASE(startup_failure_kills) {
  driver d{with(R"("startupProbe":{"exec":{"command":["up"]},"periodSeconds":1,"failureThreshold":2})")};
  d.set_up();
  d.start_next();
  for (int i = 0; i < 2; ++i) {
    auto e = d.take<ask::exec>();
    d.send(on::exec_done{e.token, ports::exec_result{-1, true, ""}});
    if (i == 0) d.pass(1000);
  }
  d.take<ask::stop>();
}

BOOST_AUTO_TEST_CASE(a_late_answer_about_an_earlier_run_is_ignored) {
  driver d{with(R"("livenessProbe":{"tcpSocket":{"port":81},"failureThreshold":1})")};
  d.set_up();
  d.start_next();
  auto old = d.take<ask::tcp>();
  d.exited("a", 0, 1);
  d.start_next();
  d.take<ask::tcp>();
  d.send(on::probe_done{old.token, {false, "late"}});
  BOOST_TEST(d.idle());
  BOOST_TEST(!d.has_event("Unhealthy"));
}

BOOST_AUTO_TEST_CASE(a_port_without_that_name) {
  driver d{with(R"("readinessProbe":{"httpGet":{"path":"/","port":"nope"},"periodSeconds":1})")};
  d.set_up();
  d.start_next();
  d.pass(3500);
  BOOST_TEST(d.idle());
  BOOST_TEST(!d.condition("Ready"));
  BOOST_TEST(d.has_event("Unhealthy"));
}

BOOST_AUTO_TEST_CASE(readiness_gates) {
  auto p = [](const char* value) {
    return std::string{
               R"({"metadata":{"name":"web","namespace":"shop","uid":"u1"},"status":{"conditions":[{"type":"x/y","status":")"} +
           value +
           R"("}]},"spec":{"readinessGates":[{"conditionType":"x/y"}],"containers":[{"name":"a","image":"x:1"}]}})";
  };
  driver d{p("False")};
  d.set_up();
  d.start_next();
  BOOST_TEST(d.condition("ContainersReady"));
  BOOST_TEST(!d.condition("Ready"));
  d.send(on::spec_changed{spec_of(p("True"))});
  BOOST_TEST(d.condition("Ready"));
}

BOOST_AUTO_TEST_SUITE_END()
