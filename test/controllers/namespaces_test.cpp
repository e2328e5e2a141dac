#include "actors/controllers/namespaces.hpp"

#include "actors/controllers/expiry.hpp"
#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;
using test::cluster;

BOOST_AUTO_TEST_SUITE(housekeeping)

namespace {
struct world : cluster {
  explicit world(uint64_t seed = 1) : cluster(seed), core(test::registry(), "PEM") { run(core, {}); }
  bool has(std::string_view name) { return cluster::has("namespaces", "", name); }
  namespace_core core;
};
}  // namespace

BOOST_AUTO_TEST_CASE(every_cluster_and_namespace_has_its_furniture) {
  world w;
  w.settle();
  for (auto ns : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    BOOST_TEST(w.has(ns), ns);
    BOOST_TEST(w.cluster::has("serviceaccounts", ns, "default"), ns);
    BOOST_TEST(w.at("configmaps", ns, "kube-root-ca.crt").at("data").at("ca.crt") == "PEM");
  }
  BOOST_TEST(string_at(w.at("namespaces", "", "kube-system"), "status.phase") == "Active");
  w.erase("serviceaccounts", "default", "default");
  w.change("configmaps", "default", "kube-root-ca.crt", [](json::value& v) { ensure(v, "data.x") = "y"; });
  w.erase("namespaces", "", "kube-public");
  w.settle();
  BOOST_TEST(w.cluster::has("serviceaccounts", "default", "default"));
  BOOST_TEST(object_at(w.at("configmaps", "default", "kube-root-ca.crt"), "data").size() == 1U);
  BOOST_TEST(w.has("kube-public"));  // it went, and is made anew
}

BOOST_AUTO_TEST_CASE(a_namespace_goes_when_all_in_it_is_gone) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    world w{seed};
    test::fake_kubelet kubelet{w};
    bool ends = false;
    w.cluster::world = [&] { return ends && kubelet(); };
    w.create("namespaces", R"({"metadata":{"name":"x"}})");
    w.settle();
    for (int i = 0; i < 1200; ++i)
      w.create(
          "configmaps",
          json::value(json::object{{"metadata", json::object{{"name", "c" + std::to_string(i)}, {"namespace", "x"}}}}));
    w.create(
        "pods",
        R"({"metadata":{"name":"p","namespace":"x"},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]}})");
    w.create("configmaps", R"({"metadata":{"name":"stays"}})");
    w.create("nodes", R"({"metadata":{"name":"n1"}})");
    w.erase("namespaces", "", "x");
    BOOST_TEST(string_at(w.at("namespaces", "", "x"), "status.phase") == "Terminating");
    w.settle();
    // The pod has its grace; its namespace waits for it.
    BOOST_TEST(w.has("x"));
    BOOST_TEST(string_at(w.at("pods", "x", "p"), "metadata.deletionTimestamp") != "");
    BOOST_TEST(w.all("serviceaccounts").size() == 4U);
    ends = true;
    w.settle();
    BOOST_TEST(!w.has("x"));
    BOOST_TEST(w.all("pods").empty());
    BOOST_TEST(w.cluster::has("configmaps", "default", "stays"));
    BOOST_TEST(w.cluster::has("nodes", "", "n1"));
  }
}

BOOST_AUTO_TEST_CASE(finalizers_of_others_hold_a_namespace_back) {
  world w;
  w.create("namespaces", R"({"metadata":{"name":"x","finalizers":["a/b"]}})");
  w.create("configmaps", R"({"metadata":{"name":"c","namespace":"x","finalizers":["a/b"]}})");
  w.settle();
  w.erase("namespaces", "", "x");
  w.settle();
  BOOST_TEST(w.has("x"));
  auto lift = [](json::value& v) { v.at("metadata").as_object().erase("finalizers"); };
  w.change("configmaps", "x", "c", lift);
  w.settle();
  BOOST_TEST(w.has("x"));
  BOOST_TEST(array_at(w.at("namespaces", "", "x"), "spec.finalizers").empty());
  w.change("namespaces", "", "x", lift);
  w.settle();
  BOOST_TEST(!w.has("x"));
}

BOOST_AUTO_TEST_CASE(events_are_kept_for_an_hour_and_count) {
  cluster c;
  recorder r{test::registry(), "test"};
  auto pod =
      store::parse(c.create("pods", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}})"));
  auto record = [&](std::string message) {
    std::vector<store::change> changes;
    r.record(*c.view(), pod, {"Warning", "Why", std::move(message)}, c.now(), changes);
    if (!changes.empty()) BOOST_REQUIRE(c.apply({std::move(changes)}));
  };
  record("one");
  record("one");
  BOOST_TEST(int_at(c.all("events").at(0), "count") == 1);  // too soon to be said again
  c.advance(60'000);
  record("one");
  record("two");
  BOOST_REQUIRE(c.all("events").size() == 2);
  int64_t sum = 0;
  for (auto& e : c.all("events")) {
    sum += int_at(e, "count");
    BOOST_TEST(string_at(e, "involvedObject.kind") == "Pod");
    BOOST_TEST(string_at(e, "involvedObject.uid") == string_at(pod, "metadata.uid"));
    BOOST_TEST(string_at(e, "type") == "Warning");
    BOOST_TEST(string_at(e, "lastTimestamp") == format_time(c.now().now_ms));
  }
  BOOST_TEST(sum == 3);

  expiry_core core;
  c.run(core, {"namespaces"});
  c.settle();
  c.advance(50 * 60'000);
  record("one");
  c.settle(1000, 20 * 60'000);
  BOOST_REQUIRE(c.all("events").size() == 1);
  BOOST_TEST(string_at(c.all("events")[0], "message") == "one");
  c.settle(1000, 70 * 60'000);
  BOOST_TEST(c.all("events").empty());
}

BOOST_AUTO_TEST_CASE(what_is_said_again_while_old_events_are_removed_stays) {
  cluster c;
  for (int i = 0; i < 1000; ++i)
    c.create("events", json::value(json::object{
                           {"metadata", json::object{{"name", "e" + std::to_string(i)}, {"namespace", "default"}}},
                           {"involvedObject", json::object{{"namespace", "default"}}}}));
  expiry_core core;
  auto pass = [&] {
    auto out = core.reconcile(*c.view(), expiry_core::pass(), c.now());
    for (auto& commit : out.commits) BOOST_REQUIRE(c.apply(commit));
  };
  c.advance(expiry_core::event_ttl_ms + 1);
  pass();
  auto left = c.all("events");
  BOOST_TEST(left.size() == 1000 - expiry_core::removals_max);
  // All that is left was found already; one of it is seen again.
  std::string again{string_at(left.back(), "metadata.name")};
  c.change("events", "default", again,
           [&](json::value& v) { ensure(v, "lastTimestamp") = format_time(c.now().now_ms); });
  for (int i = 0; i < 4; ++i) pass();
  left = c.all("events");
  BOOST_REQUIRE(left.size() == 1);
  BOOST_TEST(string_at(left[0], "metadata.name") == again);
}

BOOST_AUTO_TEST_SUITE_END()
