#include "actors/controllers/fit.hpp"

#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;

BOOST_AUTO_TEST_SUITE(fit)

namespace {

constexpr auto plain_node = R"({"metadata":{"name":"n","labels":{"zone":"a","disk":"5"}},"spec":{},
  "status":{"allocatable":{"cpu":"2","memory":"4Gi","pods":"3","x.io/gpu":"1"},"conditions":[{"type":"Ready","status":"True"}]}})";

node_state node_of(const json::value& v) {
  node_state n;
  read_node(store::freeze({{"nodes", "", "n"}, v}, 1), n);
  return n;
}
node_state plain() { return node_of(test::parsed(plain_node)); }
node_state with(std::string_view path, std::string_view value) {
  auto v = test::parsed(plain_node);
  ensure(v, path) = test::parsed(value);
  return node_of(v);
}
pod_request pod(std::string_view spec) {
  json::value v = json::object{{"metadata", json::object{{"name", "p"}}}, {"spec", test::parsed(spec)}};
  return read_request(v);
}
std::string verdict(const pod_request& r, const node_state& n) {
  std::map<std::string, int64_t> reasons;
  count_reasons(r, n, check_fit(r, n), reasons);
  return reasons.empty() ? "" : fit_message(1, reasons);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_pod_needs_the_sum_of_its_containers_or_its_largest_start) {
  auto r = pod(
      R"({"containers":[{"resources":{"requests":{"cpu":"100m","memory":"1Gi"}}},{"resources":{"limits":{"cpu":"0.2"}}}],
                   "initContainers":[{"resources":{"requests":{"cpu":"250m"}}},{"resources":{"requests":{"memory":"2Gi"}}}],
                   "overhead":{"cpu":"10m"}})");
  BOOST_TEST(r.needs.cpu_milli == 310);
  BOOST_TEST(r.needs.memory == 2147483648);
  BOOST_TEST(r.needs.pods == 1);
  auto sidecar = pod(R"({"containers":[{"resources":{"requests":{"cpu":"100m"}}}],
    "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"50m"}}},{"resources":{"requests":{"cpu":"400m"}}}]})");
  BOOST_TEST(sidecar.needs.cpu_milli == 450);
}

BOOST_AUTO_TEST_CASE(what_fits_and_what_not) {
  const std::string prefix = "0/1 nodes are available: 1 ";
  auto full = plain();
  for (int i = 0; i < 3; ++i) full.take(pod(R"({"containers":[{"ports":[{"containerPort":80,"hostPort":8080}]}]})"));
  auto busy = plain();
  busy.take(pod(
      R"({"containers":[{"resources":{"requests":{"cpu":"1500m"}},"ports":[{"containerPort":80,"hostPort":8080}]}]})"));
  const auto tainted = with("spec.taints", R"([{"key":"k","value":"v","effect":"NoSchedule"}])");
  const auto affinity = [](std::string_view expression, std::string_view field = "matchExpressions") {
    return std::string{
               R"({"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{")"} +
           std::string{field} + "\":[" + std::string{expression} + "]}]}}}}";
  };
  const auto mismatch = prefix + "node(s) didn't match Pod's node affinity/selector.";
  struct row {
    std::string spec;
    node_state node;
    std::string expected;
  };
  const std::vector<row> rows{
      {"{}", plain(), ""},
      {"{}", full, prefix + "Too many pods."},
      {R"({"containers":[{"resources":{"requests":{"cpu":"600m"}}}]})", busy, prefix + "Insufficient cpu."},
      {R"({"containers":[{"resources":{"requests":{"cpu":"500m"}}}]})", busy, ""},
      {R"({"containers":[{"resources":{"requests":{"memory":"5Gi","cpu":"3"}}}]})", plain(),
       prefix + "Insufficient cpu, 1 Insufficient memory."},
      {R"({"containers":[{"resources":{"requests":{"x.io/gpu":"2"}}}]})", plain(), prefix + "Insufficient x.io/gpu."},
      {R"({"containers":[{"resources":{"requests":{"y.io/fpga":"1"}}}]})", plain(), prefix + "Insufficient y.io/fpga."},
      {R"({"nodeSelector":{"zone":"a"}})", plain(), ""},
      {R"({"nodeSelector":{"zone":"b"}})", plain(), mismatch},
      {affinity(R"({"key":"zone","operator":"In","values":["a","b"]})"), plain(), ""},
      {affinity(R"({"key":"zone","operator":"NotIn","values":["a"]})"), plain(), mismatch},
      {affinity(R"({"key":"disk","operator":"Gt","values":["4"]})"), plain(), ""},
      {affinity(R"({"key":"disk","operator":"Lt","values":["4"]})"), plain(), mismatch},
      {affinity(R"({"key":"arch","operator":"DoesNotExist"})"), plain(), ""},
      {affinity(R"({"key":"arch","operator":"Exists"})"), plain(), mismatch},
      {affinity(R"({"key":"metadata.name","operator":"In","values":["n"]})", "matchFields"), plain(), ""},
      {affinity(R"({"key":"metadata.name","operator":"In","values":["m"]})", "matchFields"), plain(), mismatch},
      {"{}", tainted, prefix + "node(s) had untolerated taint {k: v}."},
      {R"({"tolerations":[{"key":"k","operator":"Exists"}]})", tainted, ""},
      {R"({"tolerations":[{"key":"k","value":"v","effect":"NoSchedule"}]})", tainted, ""},
      {R"({"tolerations":[{"key":"k","value":"w"}]})", tainted, prefix + "node(s) had untolerated taint {k: v}."},
      {R"({"tolerations":[{"key":"k","value":"v","effect":"NoExecute"}]})", tainted,
       prefix + "node(s) had untolerated taint {k: v}."},
      {R"({"tolerations":[{"operator":"Exists"}]})", with("spec.taints", R"([{"key":"k","effect":"NoExecute"}])"), ""},
      {"{}", with("spec.taints", R"([{"key":"k","effect":"NoExecute"}])"),
       prefix + "node(s) had untolerated taint {k: }."},
      {"{}", with("spec.taints", R"([{"key":"k","effect":"PreferNoSchedule"}])"), ""},
      {"{}", with("spec.unschedulable", "true"), prefix + "node(s) were unschedulable."},
      {"{}", with("status.conditions", R"([{"type":"Ready","status":"False"}])"),
       prefix + "node(s) had untolerated taint {node.kubernetes.io/not-ready: }."},
      {"{}", with("status.conditions", R"([{"type":"Ready","status":"Unknown"}])"),
       prefix + "node(s) had untolerated taint {node.kubernetes.io/unreachable: }."},
      {R"({"containers":[{"ports":[{"containerPort":1,"hostPort":8080}]}]})", busy,
       prefix + "node(s) didn't have free ports for the requested pod ports."},
      {R"({"containers":[{"ports":[{"containerPort":1,"hostPort":8080,"protocol":"UDP"}]}]})", busy, ""},
      {R"({"hostNetwork":true,"containers":[{"ports":[{"containerPort":8080}]}]})", busy,
       prefix + "node(s) didn't have free ports for the requested pod ports."},
  };
  for (const auto& r : rows)
    BOOST_TEST(verdict(pod(r.spec), r.node) == r.expected, r.spec << " gave " << verdict(pod(r.spec), r.node));
  BOOST_TEST(fit_message(0, {}) == "no nodes available to schedule pods");
  BOOST_TEST(fit_message(3, {{"node(s) had untolerated taint {a: b}", 1}, {"Insufficient cpu", 2}}) ==
             "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu.");
}

BOOST_AUTO_TEST_CASE(what_a_pod_took_it_gives_back) {
  auto n = plain();
  auto r = pod(R"({"containers":[{"resources":{"requests":{"cpu":"1","x.io/gpu":"1"}},"ports":[{"hostPort":80}]}]})");
  n.take(r);
  BOOST_TEST(bool(check_fit(r, n)));
  n.release(r);
  BOOST_TEST(!check_fit(r, n));
  BOOST_TEST(n.used.pods == 0);
  BOOST_TEST(n.ports.empty());
  BOOST_TEST(n.used.extended.empty());
}

BOOST_AUTO_TEST_SUITE_END()
