#include "actors/controllers/loop.hpp"

#include "actors/controllers/deployment.hpp"
#include "actors/controllers/garbage.hpp"
#include "actors/controllers/namespaces.hpp"
#include "actors/controllers/node_lifecycle.hpp"
#include "actors/controllers/replicaset.hpp"
#include "actors/controllers/scheduler.hpp"
#include "loop_world.hpp"

using namespace skerry;
using namespace skerry::controllers;

BOOST_AUTO_TEST_SUITE(loops)

namespace {

struct world : test::loop_world {
  world() { start(); }
  explicit world(std::nullptr_t) {}
  void start() {
    deployments = spawn(deployment_controller);
    replicasets = spawn(replicaset_controller);
    spawn(scheduler);
    spawn(garbage_controller);
  }
  void node(std::string_view name, std::string_view cpu = "8") {
    json::value v = json::object{
        {"metadata", json::object{{"name", name}}},
        {"status", json::object{{"allocatable", json::object{{"cpu", cpu}, {"memory", "8Gi"}, {"pods", "110"}}},
                                {"conditions", json::array{json::object{{"type", "Ready"}, {"status", "True"}}}}}}};
    create("nodes", v);
  }
  void web(int64_t replicas) {
    auto v = test::parsed(R"({"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},
      "strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":1}},
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}})");
    ensure(v, "spec.replicas") = replicas;
    create("deployments.apps", v);
  }
  void image(std::string_view i) {
    change("deployments.apps", "web", [&](json::value& v) {
      v.at("spec").at("template").at("spec").at("containers").as_array()[0].as_object()["image"] = i;
    });
  }
  bool complete() {
    auto d = at("deployments.apps", "web");
    auto n = int_at(d, "spec.replicas");
    const auto* c = find_condition(array_at(d, "status.conditions"), "Progressing");
    return int_at(d, "status.observedGeneration") == int_at(d, "metadata.generation") &&
           int_at(d, "status.updatedReplicas") == n && int_at(d, "status.replicas") == n &&
           int_at(d, "status.availableReplicas") == n && c != nullptr &&
           string_at(*c, "reason") == "NewReplicaSetAvailable";
  }
  caf::actor deployments, replicasets;
};

/// Counts pods as changes come by.
struct tally {
  int64_t there = 0, serving = 0;
  static bool serves(const store::object& o) { return o && pod_active(o) && store::phase_of(o) == "Running"; }
  void take(const store::event& e) {
    if (store::resource_of(e.now) != "pods") return;
    bool gone = e.type == store::event_type::deleted;
    there += (!gone && pod_active(e.now)) - (e.before && pod_active(e.before));
    serving += (!gone && serves(e.now)) - serves(e.before);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_deployment_comes_up_rolls_over_and_goes_with_all_it_has) {
  world w;
  w.node("n1");
  w.node("n2");
  tally t;
  int64_t most = 3, least = 0;
  w.each = [&](const store::event& e) {
    t.take(e);
    BOOST_REQUIRE_MESSAGE(t.there <= most, t.there << " pods at revision " << e.revision);
    BOOST_REQUIRE_MESSAGE(t.serving >= least, t.serving << " serve at revision " << e.revision);
  };
  w.web(3);
  w.until("three pods run", [&] { return w.complete(); });
  BOOST_TEST(w.ready("i:1") == 3U);
  BOOST_TEST(w.count("pods") == 3U);
  most = 4;
  least = 2;
  for (auto image : {"i:2", "i:3", "i:1"}) {
    w.image(image);
    w.until("the new image runs", [&] { return w.complete(); });
    BOOST_TEST(w.ready(image) == 3U);
  }
  w.until("old pods are gone", [&] { return w.count("pods") == 3; });
  BOOST_TEST(w.count("replicasets.apps") == 3U);
  BOOST_TEST(annotation_at(w.at("deployments.apps", "web"), deployment_keys::revision) == "4");
  least = 0;
  w.erase("deployments.apps", "web");
  w.until("all is gone", [&] { return w.count("pods") + w.count("replicasets.apps") == 0; });
}

BOOST_AUTO_TEST_CASE(two_hundred_pods_find_their_places_and_no_node_is_overbooked) {
  world w;
  for (int i = 0; i < 10; ++i) w.node("n" + std::to_string(i), "2");
  std::map<std::string, int> on_node;
  w.each = [&](const store::event& e) {
    if (store::resource_of(e.now) != "pods" || store::node_of(e.now).empty() ||
        (e.before && !store::node_of(e.before).empty()))
      return;
    BOOST_REQUIRE(++on_node[std::string{store::node_of(e.now)}] <= 20);
  };
  auto v = test::parsed(R"({"metadata":{"name":"many"},"spec":{"replicas":200,"selector":{"matchLabels":{"app":"m"}},
    "template":{"metadata":{"labels":{"app":"m"}},"spec":{"containers":[{"name":"c","image":"i:1","resources":{"requests":{"cpu":"100m"}}}]}}}})");
  w.create("replicasets.apps", v);
  w.until("200 pods run", [&] { return int_at(w.at("replicasets.apps", "many"), "status.availableReplicas") == 200; });
  BOOST_TEST(w.count("pods") == 200U);
  BOOST_TEST(on_node.size() == 10U);
}

BOOST_AUTO_TEST_CASE(restarts_of_the_store_and_of_controllers_make_nothing_twice) {
  world w;
  w.node("n1");
  tally t;
  w.each = [&](const store::event& e) {
    t.take(e);
    BOOST_REQUIRE_MESSAGE(t.there <= 9, t.there << " pods at revision " << e.revision);
  };
  w.web(8);
  for (int i = 0; i < 3; ++i) {
    w.until("some pods", [&] { return w.count("pods") >= static_cast<size_t>(2 * i); });
    w.stop_store();
    w.start_store();
  }
  w.until("eight pods run", [&] { return w.complete(); });
  w.image("i:2");
  w.until("it rolls", [&] { return w.ready("i:2") >= 2; });
  w.stop(w.deployments);
  w.stop(w.replicasets);
  w.stop_store();
  w.start_store();
  w.spawn(replicaset_controller);
  w.spawn(deployment_controller);
  w.until("the rollout ends", [&] { return w.complete(); });
  BOOST_TEST(w.ready("i:2") == 8U);
  w.until("old pods are gone", [&] { return w.count("pods") == 8; });
}

BOOST_AUTO_TEST_CASE(a_disk_that_refuses_is_waited_for) {
  world w{nullptr};
  w.node("n1");
  w.web(2);
  w.kv.fail_writes(make_error(errc::full, "no space left"));
  w.start();
  w.until("the refusal is in the log", [&] { return w.warnings() > 2; });
  BOOST_TEST(w.count("replicasets.apps") == 0U);
  w.kv.fail_writes({});
  w.until("it comes up", [&] { return w.complete(); });
  BOOST_TEST(w.count("pods") == 2U);
}

BOOST_AUTO_TEST_CASE(nodes_fall_silent_and_come_back) {
  test::loop_world w;
  w.spawn(namespace_controller, "PEM");
  auto lifecycle = w.spawn(node_lifecycle_controller, 3'000U);
  auto status = [&](std::string_view node) {
    auto v = store::parse(w.views->current()->get("nodes", "", node));
    const auto* c = find_condition(array_at(v, "status.conditions"), "Ready");
    return c != nullptr ? std::string{string_at(*c, "status")} : "";
  };
  w.create("nodes", R"({"metadata":{"name":"n1"},"status":{"conditions":[{"type":"Ready","status":"True"}]}})");
  w.until("its lease runs out", [&] { return status("n1") == "Unknown"; });
  w.until("it is heard again", [&] {
    w.client->send(lifecycle, link::nodes_seen{{"n1"}});
    return status("n1") == "True" && w.count("leases.coordination.k8s.io") == 1;
  });
  BOOST_TEST(w.count("namespaces") == 4U);
  BOOST_TEST(w.count("serviceaccounts") == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
