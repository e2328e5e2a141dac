#include "actors/controllers/garbage.hpp"

#include "actors/controllers/deployment.hpp"
#include "actors/controllers/replicaset.hpp"
#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;
using test::cluster;

BOOST_AUTO_TEST_SUITE(garbage)

namespace {

struct world : cluster {
  explicit world(uint64_t seed = 1) : cluster(seed), core(test::registry()) { run(core, {}); }
  /// A ConfigMap `name` owned by objects of the given names, which may be gone.
  store::object map(std::string_view name, const std::vector<json::value>& owners = {}, bool blocks = true) {
    json::value v = json::object{{"metadata", json::object{{"name", name}}}};
    for (const auto& o : owners) {
      auto r = owner_reference(o);
      r["controller"] = false;
      r["blockOwnerDeletion"] = blocks;
      add_owner(v, r);
    }
    return create("configmaps", v);
  }
  json::value get(std::string_view name) { return at("configmaps", "default", name); }
  bool has(std::string_view name) { return cluster::has("configmaps", "default", name); }
  size_t owners(std::string_view name) { return array_at(get(name), "metadata.ownerReferences").size(); }
  garbage_core core;
};

json::value ghost(std::string_view kind = "ConfigMap") {
  return json::object{
      {"apiVersion", "v1"}, {"kind", kind}, {"metadata", json::object{{"name", "ghost"}, {"uid", "gone"}}}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_its_owner_leaves_behind_goes_to_the_last) {
  world w;
  auto a = store::parse(w.map("a"));
  w.map("b", {a});
  w.map("c", {w.get("b")});
  w.map("free");
  w.settle();
  BOOST_TEST(w.has("c"));
  w.erase("configmaps", "default", "a");
  w.settle();
  BOOST_TEST(!w.has("b"));
  BOOST_TEST(!w.has("c"));
  BOOST_TEST(w.has("free"));
}

BOOST_AUTO_TEST_CASE(one_owner_of_two_is_enough) {
  world w;
  auto a = store::parse(w.map("a")), b = store::parse(w.map("b"));
  w.map("both", {a, b});
  w.erase("configmaps", "default", "a");
  w.settle();
  BOOST_TEST(w.owners("both") == 1U);
  w.erase("configmaps", "default", "b");
  w.settle();
  BOOST_TEST(!w.has("both"));
}

BOOST_AUTO_TEST_CASE(who_comes_after_its_owner_went_goes_too_and_a_name_taken_again_is_not_the_owner) {
  world w;
  auto a = store::parse(w.map("a"));
  w.map("kept", {a});
  w.map("late", {ghost()});
  w.map("foreign", {ghost("Widget")});
  w.settle();
  BOOST_TEST(!w.has("late"));
  BOOST_TEST(w.has("foreign"));  // nobody here knows Widgets
  w.erase("configmaps", "default", "a");
  w.map("a");
  w.settle();
  BOOST_TEST(w.has("a"));
  BOOST_TEST(!w.has("kept"));
}

BOOST_AUTO_TEST_CASE(what_was_left_before_the_start_is_found) {
  cluster c;
  json::value v = json::object{{"metadata", json::object{{"name", "left"}}}};
  add_owner(v, owner_reference(ghost()));
  c.create("configmaps", v);
  garbage_core core{test::registry()};
  c.run(core, {});
  c.settle();
  BOOST_TEST(!c.has("configmaps", "default", "left"));
}

BOOST_AUTO_TEST_CASE(in_the_foreground_the_owner_goes_last) {
  world w;
  auto a = store::parse(w.map("a"));
  auto b = store::parse(w.map("b", {a}));
  w.map("c", {b});
  w.map("loose", {a}, false);
  std::vector<std::string> order;
  std::set<std::string> there{"a", "b", "c"};
  w.invariant = [&] {
    for (auto i = there.begin(); i != there.end();)
      if (!w.has(*i)) {
        order.push_back(*i);
        i = there.erase(i);
      } else {
        ++i;
      }
  };
  w.erase("configmaps", "default", "a", {{}, kube::propagation::foreground});
  BOOST_TEST(w.has("a"));
  w.settle();
  BOOST_TEST((order == std::vector<std::string>{"c", "b", "a"}));
  BOOST_TEST(!w.has("loose"));
}

BOOST_AUTO_TEST_CASE(orphans_stay) {
  world w;
  auto a = store::parse(w.map("a"));
  for (int i = 0; i < 250; ++i) w.map("d" + std::to_string(i), {a});
  w.erase("configmaps", "default", "a", {{}, kube::propagation::orphan});
  w.settle(10'000, 1000);
  BOOST_TEST(!w.has("a"));
  for (int i = 0; i < 250; ++i) BOOST_TEST(w.owners("d" + std::to_string(i)) == 0U);
}

BOOST_AUTO_TEST_CASE(a_deployment_takes_its_sets_and_pods_along) {
  for (auto policy : {kube::propagation::background, kube::propagation::foreground, kube::propagation::orphan}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      world w{seed};
      deployment_core deployments{test::registry()};
      replicaset_core replicasets{test::registry()};
      test::fake_kubelet kubelet{w};
      w.run(deployments, {"deployments.apps", "replicasets.apps", "pods"});
      w.run(replicasets, {"replicasets.apps", "pods"});
      w.cluster::world = [&] { return kubelet(); };
      w.create("deployments.apps",
               R"({"metadata":{"name":"web"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},
        "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}})");
      w.settle();
      BOOST_REQUIRE(w.all("pods").size() == 3);
      w.erase("deployments.apps", "default", "web", {{}, policy});
      w.settle();
      BOOST_TEST(w.all("deployments.apps").empty());
      BOOST_TEST(w.all("replicasets.apps").size() == (policy == kube::propagation::orphan ? 1 : 0));
      BOOST_TEST(w.all("pods").size() == (policy == kube::propagation::orphan ? 3 : 0));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
