#include "actors/controllers/scheduler.hpp"

#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;
using test::cluster;

BOOST_AUTO_TEST_SUITE(scheduling)

namespace {

struct world : cluster {
  explicit world(uint64_t seed = 1) : cluster(seed), core(test::registry()) { run(core, {"pods", "nodes"}); }
  void node(std::string_view name, std::string_view cpu = "2", std::string_view pods = "110") {
    json::value v = json::object{
        {"metadata", json::object{{"name", name}}},
        {"status", json::object{{"allocatable", json::object{{"cpu", cpu}, {"memory", "4Gi"}, {"pods", pods}}},
                                {"conditions", json::array{json::object{{"type", "Ready"}, {"status", "True"}}}}}}};
    create("nodes", v);
  }
  void pod(std::string_view name, std::string_view cpu = "100m", std::string_view owner = {}) {
    json::value v = json::object{
        {"metadata", json::object{{"name", name}}},
        {"spec", json::object{
                     {"containers", json::array{json::object{
                                        {"name", "c"},
                                        {"image", "i"},
                                        {"resources", json::object{{"requests", json::object{{"cpu", cpu}}}}}}}}}}};
    if (!owner.empty())
      ensure(v, "metadata.ownerReferences") = json::array{json::object{
          {"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}, {"name", owner}, {"uid", owner}, {"controller", true}}};
    create("pods", v);
  }
  std::string where(std::string_view name) {
    return std::string{string_at(at("pods", "default", name), "spec.nodeName")};
  }
  json::value scheduled(std::string_view name) {
    auto v = at("pods", "default", name);
    const auto* c = find_condition(array_at(v, "status.conditions"), "PodScheduled");
    return c != nullptr ? *c : json::value{};
  }
  scheduler_core core;
};

}  // namespace

BOOST_AUTO_TEST_CASE(binds_and_says_so) {
  world w;
  w.node("n1");
  w.pod("a");
  w.settle();
  BOOST_TEST(w.where("a") == "n1");
  BOOST_TEST(string_at(w.scheduled("a"), "status") == "True");
  auto events = w.all("events");
  BOOST_REQUIRE(events.size() == 1);
  BOOST_TEST(string_at(events[0], "reason") == "Scheduled");
  BOOST_TEST(string_at(events[0], "message") == "Successfully assigned default/a to n1");
  BOOST_TEST(string_at(events[0], "involvedObject.name") == "a");
}

BOOST_AUTO_TEST_CASE(does_not_overbook_ten_nodes_with_two_hundred_pods) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    world w{seed};
    for (int i = 0; i < 10; ++i) w.node("n" + std::to_string(i), "1900m");
    w.invariant = [&] {
      std::map<std::string, int64_t> used;
      w.view()->scan("pods", "", "", [&](const store::object& o) {
        auto node = store::node_of(o);
        if (!node.empty()) used[std::string{node}] += 100;
        return true;
      });
      for (auto& [node, cpu] : used) BOOST_REQUIRE_MESSAGE(cpu <= 1900, node << " holds " << cpu << "m of 1900m");
    };
    for (int i = 0; i < 200; ++i) {
      w.pod("p" + std::to_string(i));
      for (auto n = w.random().below(3); n > 0; --n) w.step();
    }
    w.settle();
    int bound = 0;
    for (auto& p : w.all("pods")) bound += !string_at(p, "spec.nodeName").empty();
    BOOST_TEST(bound == 190);
    std::string waiting;
    for (auto& p : w.all("pods"))
      if (string_at(p, "spec.nodeName").empty()) waiting = string_at(p, "metadata.name");
    BOOST_TEST(string_at(w.scheduled(waiting), "reason") == "Unschedulable");
    BOOST_TEST(string_at(w.scheduled(waiting), "message") == "0/10 nodes are available: 10 Insufficient cpu.");

    // Room that is made is taken.
    w.node("n10", "1");
    w.settle();
    bound = 0;
    for (auto& p : w.all("pods")) bound += !string_at(p, "spec.nodeName").empty();
    BOOST_TEST(bound == 200);
  }
}

BOOST_AUTO_TEST_CASE(spreads_pods_of_one_owner) {
  world w;
  for (int i = 0; i < 5; ++i) w.node("n" + std::to_string(i), i == 0 ? "64" : "4");
  for (int i = 0; i < 10; ++i) w.pod("p" + std::to_string(i), "100m", "rs");
  w.settle();
  std::map<std::string, int> count;
  for (int i = 0; i < 10; ++i) ++count[w.where("p" + std::to_string(i))];
  BOOST_TEST(count.size() == 5);
  for (auto& [node, n] : count) BOOST_TEST(n == 2, node << " has " << n);
}

BOOST_AUTO_TEST_CASE(a_pod_waits_until_something_changes_for_it) {
  world w;
  w.pod("a");
  w.settle();
  BOOST_TEST(string_at(w.scheduled("a"), "message") == "no nodes available to schedule pods");
  auto revision = w.view()->revision();
  w.settle();
  BOOST_TEST(w.view()->revision() == revision);
  w.node("n1", "50m");
  w.settle();
  BOOST_TEST(string_at(w.scheduled("a"), "message") == "0/1 nodes are available: 1 Insufficient cpu.");
  w.change("nodes", "", "n1", [](json::value& v) { ensure(v, "status.allocatable.cpu") = "1"; });
  w.settle();
  BOOST_TEST(w.where("a") == "n1");
  BOOST_TEST(string_at(w.scheduled("a"), "status") == "True");
  BOOST_TEST(find(w.scheduled("a"), "reason") == nullptr);
}

BOOST_AUTO_TEST_CASE(room_of_a_pod_that_went_or_ended_is_given_again) {
  world w;
  w.node("n1", "100m");
  w.pod("a");
  w.settle();
  w.pod("b");
  w.settle();
  BOOST_TEST(w.where("b") == "");
  w.change("pods", "default", "a", [](json::value& v) { ensure(v, "status.phase") = "Succeeded"; });
  w.settle();
  BOOST_TEST(w.where("b") == "n1");
  w.pod("c");
  w.settle();
  BOOST_TEST(w.where("c") == "");
  w.erase("pods", "default", "b", {0, {}});
  w.settle();
  BOOST_TEST(w.where("c") == "n1");
}

BOOST_AUTO_TEST_CASE(leaves_alone_what_is_not_its_own) {
  world w;
  w.node("n1");
  auto pod = [&](std::string_view name, std::string_view field, json::value value) {
    json::value v = test::parsed(R"({"metadata":{},"spec":{"containers":[{"name":"c","image":"i"}]}})");
    ensure(v, "metadata.name") = name;
    ensure(v, field) = std::move(value);
    w.create("pods", v);
  };
  pod("other", "spec.schedulerName", "mine");
  pod("gated", "spec.schedulingGates", test::parsed(R"([{"name":"g"}])"));
  pod("placed", "spec.nodeName", "elsewhere");
  w.settle();
  BOOST_TEST(w.where("other") == "");
  BOOST_TEST(w.where("gated") == "");
  BOOST_TEST(w.where("placed") == "elsewhere");
  w.change("pods", "default", "gated", [](json::value& v) { v.at("spec").as_object().erase("schedulingGates"); });
  w.settle();
  BOOST_TEST(w.where("gated") == "n1");
}

BOOST_AUTO_TEST_CASE(pods_of_other_schedulers_are_not_even_looked_at) {
  controllers::scheduling_state state;
  auto pod = [](const char* name, const char* scheduler) {
    auto d = test::parsed(R"({"metadata":{},"spec":{"containers":[{"name":"c","image":"i"}],"priority":0}})");
    ensure(d, "metadata.name") = name;
    if (*scheduler != 0) ensure(d, "spec.schedulerName") = scheduler;
    return store::freeze({{"pods", "default", name}, d}, {1, 0, 0});
  };
  for (auto [name, scheduler] : {std::pair{"a", ""}, {"b", "default-scheduler"}, {"c", "mine"}})
    state.observe({store::event_type::added, pod(name, scheduler), {}, 1});
  auto taken = state.take(10);
  BOOST_TEST(taken.size() == 2u);
  for (const auto& k : taken) BOOST_TEST(k.name != "c");
}

BOOST_AUTO_TEST_CASE(a_priority_that_is_not_the_default_is_read) {
  controllers::scheduling_state state;
  int n = 0;
  for (int priority : {0, 100, -5}) {
    auto d = test::parsed(R"({"metadata":{},"spec":{"containers":[{"name":"c","image":"i"}]}})");
    auto name = "p" + std::to_string(n++);
    ensure(d, "metadata.name") = name;
    ensure(d, "spec.priority") = priority;
    state.observe({store::event_type::added, store::freeze({{"pods", "default", name}, d}, {1, 0, 0}), {}, 1});
  }
  auto taken = state.take(10);
  BOOST_REQUIRE(taken.size() == 3u);
  BOOST_TEST(taken[0].name == "p1");
  BOOST_TEST(taken[1].name == "p0");
  BOOST_TEST(taken[2].name == "p2");
}

BOOST_AUTO_TEST_CASE(the_important_go_first_and_preferences_count) {
  world w;
  w.node("n1", "100m");
  w.pod("low");
  w.create("pods", test::parsed(R"({"metadata":{"name":"high"},"spec":{"priority":100,
    "containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"100m"}}}]}})"));
  w.settle();
  BOOST_TEST(w.where("high") == "n1");
  w.node("n2", "8");
  w.node("n3", "4");
  w.change("nodes", "", "n3", [](json::value& v) { ensure(v, "metadata.labels") = json::object{{"ssd", "yes"}}; });
  w.settle();
  w.create(
      "pods",
      test::parsed(
          R"({"metadata":{"name":"picky"},"spec":{"containers":[{"name":"c","image":"i"}],"affinity":{"nodeAffinity":
    {"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":10,"preference":{"matchExpressions":[{"key":"ssd","operator":"Exists"}]}}]}}}})"));
  w.settle();
  BOOST_TEST(w.where("picky") == "n3");
}

BOOST_AUTO_TEST_SUITE_END()
