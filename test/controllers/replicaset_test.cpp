#include "actors/controllers/replicaset.hpp"

#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;
using test::cluster;

BOOST_AUTO_TEST_SUITE(replicaset)

namespace {

constexpr auto three = R"({"metadata":{"name":"web","labels":{"app":"web"}},
  "spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},
          "template":{"metadata":{"labels":{"app":"web"},"annotations":{"a":"b"}},
                      "spec":{"containers":[{"name":"c","image":"i:1"}]}}}})";

struct world : cluster {
  explicit world(uint64_t seed = 1) : cluster(seed), core(test::registry()), kubelet(*this) {
    run(core, {"replicasets.apps", "pods"});
    this->cluster::world = [this] { return kubelet(); };
  }
  std::vector<json::value> pods() { return all("pods"); }
  void scale(int64_t n) {
    change("replicasets.apps", "default", "web", [&](json::value& v) { v.at("spec").as_object()["replicas"] = n; });
  }
  json::value rs() { return at("replicasets.apps", "default", "web"); }
  replicaset_core core;
  test::fake_kubelet kubelet;
};

deletion_candidate candidate(std::string_view node, std::string_view phase, bool ready, int64_t neighbours = 0,
                             int64_t since = 0, int64_t restarts = 0, int64_t made = 1000, int64_t cost = 0) {
  json::value pod =
      json::object{{"metadata", json::object{{"name", "p"}, {"uid", "u"}, {"creationTimestamp", format_time(made)}}},
                   {"spec", json::object{}},
                   {"status", json::object{{"phase", phase}}}};
  if (!node.empty()) ensure(pod, "spec.nodeName") = node;
  deletion_candidate c{store::freeze({{"pods", "default", "p"}, std::move(pod)}, 1), {}, neighbours};
  c.facts.ready = ready;
  c.facts.ready_since_ms = since;
  c.facts.restarts = restarts;
  c.facts.deletion_cost = cost;
  return c;
}

}  // namespace

BOOST_AUTO_TEST_CASE(makes_pods_of_its_template_and_counts_them) {
  world w;
  w.create("replicasets.apps", three);
  w.settle();
  BOOST_REQUIRE(w.pods().size() == 3);
  auto pod = w.pods()[0];
  BOOST_TEST(string_at(pod, "metadata.name").substr(0, 4) == "web-");
  BOOST_TEST(string_at(pod, "metadata.name").size() == 9);
  BOOST_TEST(string_at(pod, "metadata.generateName") == "web-");
  BOOST_TEST(string_at(pod, "metadata.annotations.a") == "b");
  const auto& owner = array_at(pod, "metadata.ownerReferences").at(0);
  BOOST_TEST(string_at(owner, "kind") == "ReplicaSet");
  BOOST_TEST(string_at(owner, "apiVersion") == "apps/v1");
  BOOST_TEST(bool_at(owner, "controller"));
  BOOST_TEST(string_at(owner, "uid") == string_at(w.rs(), "metadata.uid"));
  for (auto field : {"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"})
    BOOST_TEST(int_at(w.rs(), std::string{"status."} + field) == 3, field);
  BOOST_TEST(int_at(w.rs(), "status.observedGeneration") == 1);
  BOOST_TEST(w.all("events").size() == 3);
}

BOOST_AUTO_TEST_CASE(scales_up_and_down_and_replaces_what_went) {
  world w;
  w.create("replicasets.apps", three);
  w.settle();
  w.scale(5);
  w.settle();
  BOOST_TEST(w.pods().size() == 5);
  w.scale(1);
  w.settle();
  BOOST_TEST(w.pods().size() == 1);
  auto name = std::string{string_at(w.pods()[0], "metadata.name")};
  w.erase("pods", "default", name);
  w.settle();
  BOOST_REQUIRE(w.pods().size() == 1);
  BOOST_TEST(string_at(w.pods()[0], "metadata.name") != name);
  w.scale(0);
  w.settle();
  BOOST_TEST(w.pods().empty());
  BOOST_TEST(int_at(w.rs(), "status.replicas", -1) == 0);
}

BOOST_AUTO_TEST_CASE(a_pod_that_ended_is_replaced_and_stays) {
  world w;
  w.create("replicasets.apps", three);
  w.settle();
  w.change("pods", "default", string_at(w.pods()[0], "metadata.name"),
           [](json::value& v) { ensure(v, "status.phase") = "Failed"; });
  w.kubelet.broken_image = "i:1";
  w.settle();
  BOOST_TEST(w.pods().size() == 4);
  BOOST_TEST(int_at(w.rs(), "status.replicas") == 3);
}

BOOST_AUTO_TEST_CASE(adopts_orphans_and_releases_what_no_longer_matches) {
  world w;
  w.create("pods",
           R"({"metadata":{"name":"mine","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}})");
  w.create("pods",
           R"({"metadata":{"name":"other","labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}})");
  w.create("replicasets.apps", three);
  w.settle();
  BOOST_TEST(w.pods().size() == 4);
  BOOST_TEST(array_at(w.at("pods", "default", "mine"), "metadata.ownerReferences").size() == 1);
  BOOST_TEST(array_at(w.at("pods", "default", "other"), "metadata.ownerReferences").empty());

  w.change("pods", "default", "mine", [](json::value& v) { v.at("metadata").at("labels").as_object()["app"] = "y"; });
  w.settle();
  BOOST_TEST(array_at(w.at("pods", "default", "mine"), "metadata.ownerReferences").empty());
  BOOST_TEST(w.pods().size() == 5);

  w.change("pods", "default", "other",
           [](json::value& v) { v.at("metadata").at("labels").as_object()["app"] = "web"; });
  w.settle();
  BOOST_TEST(int_at(w.rs(), "status.replicas") == 3);
  BOOST_TEST(w.pods().size() == 4);
}

BOOST_AUTO_TEST_CASE(min_ready_seconds_hold_availability_back) {
  world w;
  auto v = test::parsed(three);
  ensure(v, "spec.minReadySeconds") = 30;
  w.create("replicasets.apps", v);
  w.settle();
  BOOST_TEST(int_at(w.rs(), "status.readyReplicas") == 3);
  BOOST_TEST(int_at(w.rs(), "status.availableReplicas") == 0);
  w.settle(10'000, 40'000);
  BOOST_TEST(int_at(w.rs(), "status.availableReplicas") == 3);
}

BOOST_AUTO_TEST_CASE(makes_nothing_in_a_namespace_on_its_way_out) {
  world w;
  w.change("namespaces", "", "default", [](json::value& v) {
    v.at("metadata").as_object()["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    ensure(v, "spec.finalizers") = json::array{"kubernetes"};
  });
  w.create("replicasets.apps", three);
  w.settle();
  BOOST_TEST(w.pods().empty());
}

BOOST_AUTO_TEST_CASE(never_more_pods_than_were_asked_for_whatever_the_order) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    world w{seed};
    w.create("replicasets.apps", three);
    int64_t allowed = 3;
    w.invariant = [&] {
      int64_t n = 0;
      w.view()->scan("pods", "", "", [&](const store::object& o) {
        n += pod_active(o);
        return true;
      });
      BOOST_REQUIRE_MESSAGE(n <= allowed, "seed " << seed << ": " << n << " pods, allowed " << allowed);
    };
    for (int64_t n : {3, 7, 2, 9, 0, 4}) {
      allowed = std::max(allowed, n);
      w.scale(n);
      w.settle();
      allowed = n;
      BOOST_REQUIRE(w.pods().size() == static_cast<size_t>(n));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_least_useful_pod_goes_first) {
  const std::vector<deletion_candidate> order{
      candidate("", "Pending", false),
      candidate("n", "Pending", false),
      candidate("n", "Unknown", false),
      candidate("n", "Running", false),
      candidate("n", "Running", true, 0, 0, 0, 1000, -1),
      candidate("n", "Running", true, 3, 5000),
      candidate("n", "Running", true, 1, 9000),
      candidate("n", "Running", true, 1, 5000, 4),
      candidate("n", "Running", true, 1, 5000, 1, 9000),
      candidate("n", "Running", true, 1, 5000, 1, 4000),
  };
  for (size_t a = 0; a < order.size(); ++a)
    for (size_t b = 0; b < order.size(); ++b)
      BOOST_TEST(goes_before(order[a], order[b]) == (a < b), a << " before " << b);
}

BOOST_AUTO_TEST_SUITE_END()
