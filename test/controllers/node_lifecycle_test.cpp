#include "actors/controllers/node_lifecycle.hpp"

#include "actors/controllers/garbage.hpp"
#include "actors/controllers/node_conditions.hpp"
#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;
using test::cluster;

BOOST_AUTO_TEST_SUITE(lifecycle)

namespace {

struct world : cluster {
  struct cluster_clock final : ports::clock {
    explicit cluster_clock(cluster& c) : c_(c) {}
    int64_t wall_ms() const override { return c_.now().now_ms; }
    int64_t steady_ms() const override { return c_.now().now_ms - 1'700'000'000'000; }
    cluster& c_;
  };

  world() : clock(*this), core(test::registry(), clock, 40'000) {
    create("namespaces", R"({"metadata":{"name":"kube-node-lease"}})");
    run(core, {"nodes", "pods"});
  }
  void node(std::string_view name, std::string_view ready = "True") {
    json::value v = json::object{{"metadata", json::object{{"name", name}}}};
    ensure(v, "status.conditions") =
        json::array{json::object{{"type", "Ready"},
                                 {"status", ready},
                                 {"reason", "KubeletReady"},
                                 {"lastHeartbeatTime", format_time(now().now_ms)}},
                    json::object{{"type", "MemoryPressure"}, {"status", "False"}, {"reason", "Enough"}}};
    create("nodes", v);
  }
  void pod(std::string_view name, std::string_view on) {
    json::value v = test::parsed(R"({"metadata":{},"spec":{"containers":[{"name":"c","image":"i"}]}})");
    ensure(v, "metadata.name") = name;
    ensure(v, "spec.nodeName") = on;
    create("pods", v);
  }
  /// Lets time pass in steps; `talking` nodes are heard in each.
  void pass(int64_t ms, std::vector<std::string> talking = {}) {
    for (; ms > 0; ms -= 2'000) {
      advance(2'000);
      core.heard(talking, marker());
      core.check(marker());
      settle();
    }
  }
  controllers::marker marker() {
    return [this](const store::object_key& k) { mark(k); };
  }
  std::string condition(std::string_view node, std::string_view field, std::string_view type = "Ready") {
    auto v = at("nodes", "", node);
    const auto* c = find_condition(array_at(v, "status.conditions"), type);
    return c != nullptr ? std::string{string_at(*c, field)} : "";
  }
  std::string taints(std::string_view node) {
    std::string out;
    auto v = at("nodes", "", node);
    for (const auto& t : array_at(v, "spec.taints"))
      out += std::string{string_at(t, "key")} + ":" + std::string{string_at(t, "effect")} + " ";
    return out;
  }
  cluster_clock clock;
  node_lifecycle_core core;
};

constexpr auto unreachable = "node.kubernetes.io/unreachable:NoSchedule ";

}  // namespace

BOOST_AUTO_TEST_CASE(a_node_that_falls_silent_is_unknown_after_its_lease_and_its_pods_stay) {
  world w;
  w.node("n1");
  w.node("n2");
  w.pod("p", "n1");
  w.settle();
  auto pod = w.at("pods", "default", "p");
  w.pass(60'000, {"n1", "n2"});
  BOOST_TEST(w.condition("n1", "status") == "True");
  w.pass(38'000, {"n2"});
  BOOST_TEST(w.condition("n1", "status") == "True");
  w.pass(4'000, {"n2"});
  BOOST_TEST(w.condition("n1", "status") == "Unknown");
  BOOST_TEST(w.condition("n1", "reason") == "NodeStatusUnknown");
  BOOST_TEST(w.condition("n1", "message") == "Kubelet stopped posting node status.");
  BOOST_TEST(w.condition("n1", "status", "MemoryPressure") == "Unknown");
  BOOST_TEST(w.condition("n1", "reason", "PIDPressure") == "NodeStatusNeverUpdated");
  BOOST_TEST(w.taints("n1") == unreachable);
  BOOST_TEST(w.condition("n2", "status") == "True");
  BOOST_TEST(w.taints("n2") == "");
  w.pass(3'600'000, {"n2"});
  BOOST_TEST((w.at("pods", "default", "p") == pod));
  auto events = w.all("events");
  BOOST_REQUIRE(events.size() == 1);
  BOOST_TEST(string_at(events[0], "reason") == "NodeNotReady");
  BOOST_TEST(string_at(events[0], "involvedObject.uid") == "n1");
}

BOOST_AUTO_TEST_CASE(a_node_that_comes_back_is_what_it_says_or_what_it_was) {
  world w;
  w.node("n1");
  w.pass(10'000, {"n1"});
  w.pass(60'000);
  BOOST_TEST(w.taints("n1") == unreachable);
  // Its session never broke: nobody sends the status again.
  w.pass(2'000, {"n1"});
  BOOST_TEST(w.condition("n1", "status") == "True");
  BOOST_TEST(w.condition("n1", "reason") == "KubeletReady");
  BOOST_TEST(w.condition("n1", "status", "MemoryPressure") == "False");
  BOOST_TEST(w.taints("n1") == "");

  w.pass(60'000);
  BOOST_TEST(w.taints("n1") == unreachable);
  // The agent has written its status before anything else was heard of it.
  w.change("nodes", "", "n1", [](json::value& v) {
    v.at("status").at("conditions").as_array()[0].as_object()["status"] = "False";
    v.at("status").at("conditions").as_array()[0].as_object()["reason"] = "KubeletNotReady";
  });
  w.core.heard({"n1"}, w.marker());
  w.settle();
  BOOST_TEST(w.condition("n1", "reason") == "KubeletNotReady");
  BOOST_TEST(w.taints("n1") == "node.kubernetes.io/not-ready:NoSchedule ");
}

BOOST_AUTO_TEST_CASE(after_a_start_each_node_has_a_lease_to_be_heard_in) {
  world w;
  w.node("n1");
  w.pass(38'000);
  BOOST_TEST(w.condition("n1", "status") == "True");
  w.pass(4'000);
  BOOST_TEST(w.condition("n1", "status") == "Unknown");
}

BOOST_AUTO_TEST_CASE(taints_follow_conditions_and_cordon_and_leave_others_alone) {
  world w;
  w.node("n1", "False");
  w.settle();
  BOOST_TEST(w.taints("n1") == "node.kubernetes.io/not-ready:NoSchedule ");
  w.change("nodes", "", "n1", [](json::value& v) {
    v.at("status").at("conditions").as_array()[0].as_object()["status"] = "True";
    v.at("status").at("conditions").as_array()[1].as_object()["status"] = "True";
    ensure(v, "spec.unschedulable") = true;
    ensure(v, "spec.taints") = test::parsed(R"([{"key":"mine","effect":"NoExecute"}])");
  });
  w.settle();
  BOOST_TEST(
      w.taints("n1") ==
      "mine:NoExecute node.kubernetes.io/unschedulable:NoSchedule node.kubernetes.io/memory-pressure:NoSchedule ");
  w.change("nodes", "", "n1", [](json::value& v) {
    v.at("status").at("conditions").as_array()[1].as_object()["status"] = "False";
    v.at("spec").as_object().erase("unschedulable");
  });
  w.settle();
  BOOST_TEST(w.taints("n1") == "mine:NoExecute ");
}

BOOST_AUTO_TEST_CASE(a_quiet_fleet_writes_next_to_nothing) {
  world w;
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) {
    names.push_back("n" + std::to_string(i));
    w.node(names.back());
  }
  w.pass(10'000, names);
  BOOST_TEST(w.all("leases.coordination.k8s.io").size() == 50U);
  auto lease = w.at("leases.coordination.k8s.io", "kube-node-lease", "n7");
  BOOST_TEST(string_at(lease, "spec.holderIdentity") == "n7");
  BOOST_TEST(int_at(lease, "spec.leaseDurationSeconds") == 40);
  auto revision = w.view()->revision();
  w.pass(500'000, names);
  BOOST_TEST(w.view()->revision() == revision);
  w.pass(200'000, names);
  w.core.resync(*w.view(), w.marker());
  w.settle();
  BOOST_TEST(w.view()->revision() == revision + 50);
  BOOST_TEST(string_at(w.at("leases.coordination.k8s.io", "kube-node-lease", "n7"), "spec.renewTime") >
             string_at(lease, "spec.renewTime"));
}

BOOST_AUTO_TEST_CASE(pods_of_a_node_that_was_deleted_go_after_a_while) {
  world w;
  garbage_core garbage{test::registry()};
  w.run(garbage, {});
  w.node("n1");
  w.pass(4'000, {"n1"});
  for (int i = 0; i < 450; ++i) w.pod("p" + std::to_string(i), "n1");
  w.pod("stray", "never-was");
  w.settle();
  w.erase("nodes", "", "n1");
  w.settle();
  BOOST_TEST(w.all("pods").size() == 451U);
  BOOST_TEST(w.all("leases.coordination.k8s.io").empty());
  w.settle(100'000, 60'000);
  BOOST_TEST(w.all("pods").empty());
  w.node("n1");
  w.pod("new", "n1");
  w.settle(100'000, 60'000);
  BOOST_TEST(w.all("pods").size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
