#include "actors/controllers/pod_tally.hpp"

#include "actors/controllers/replicaset.hpp"
#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;

BOOST_AUTO_TEST_SUITE(tally)

namespace {

json::value set_json(std::string_view name) {
  auto v = test::parsed(R"({"metadata":{"generation":1},"spec":{"selector":{"matchLabels":{"app":"web"}},
    "template":{"metadata":{"labels":{"app":"web","tier":"front"}}}}})");
  ensure(v, "metadata.name") = name;
  ensure(v, "metadata.uid") = std::string{name} + "-uid";
  return v;
}

json::value pod_json(test::seeded& chance, uint64_t number) {
  json::value pod = json::object{
      {"metadata", json::object{{"name", "p" + std::to_string(number)}, {"uid", "u" + std::to_string(number)}}}};
  ensure(pod, "metadata.labels.app") = chance.below(5) == 0 ? "other" : "web";
  ensure(pod, "metadata.labels.tier") = chance.below(3) == 0 ? "back" : "front";
  if (chance.below(6) != 0)
    ensure(pod, "metadata.ownerReferences") =
        json::array{json::object{{"kind", "ReplicaSet"},
                                 {"name", "a"},
                                 {"uid", chance.below(4) == 0 ? "b-uid" : "a-uid"},
                                 {"controller", true}}};
  if (chance.below(8) == 0) ensure(pod, "metadata.deletionTimestamp") = "2026-01-01T00:00:00Z";
  ensure(pod, "status.phase") = chance.below(8) == 0 ? "Failed" : "Running";
  auto ready = chance.below(2) == 0 ? "True" : "False";
  ensure(pod, "status.conditions") = json::array{
      json::object{{"type", "Initialized"}, {"status", "True"}, {"message", R"(a "quoted" \[ one)"}},
      json::object{{"type", "Ready"},
                   {"status", ready},
                   {"lastTransitionTime", format_time(1'750'000'000'000 + int64_t(chance.below(100)) * 1000)}}};
  // A second list of conditions, where only a look at the whole tells which is which.
  if (chance.below(4) == 0)
    ensure(pod, "spec.other.conditions") = json::array{json::object{{"type", "Ready"}, {"status", "True"}}};
  return pod;
}

bool same(const pod_counts& a, const pod_counts& b) {
  return a.have == b.have && a.labeled == b.labeled && a.ready == b.ready && a.available == b.available &&
         a.strays == b.strays && a.next_available_ms == b.next_available_ms;
}

/// What pods there are, and the changes that led there.
struct history {
  explicit history(uint64_t seed) : chance(seed) {}
  test::seeded chance;
  test::map_view::objects objects;
  uint64_t revision = 10;
  std::deque<store::event> late;

  test::map_view view() const { return {objects, revision}; }
  void change() {
    auto number = chance.below(20);
    auto key = key_of("pods", "default", "p" + std::to_string(number));
    store::event e;
    e.revision = ++revision;
    auto i = objects.find(key);
    if (i != objects.end()) e.before = i->second;
    if (e.before && chance.below(4) == 0) {
      e.type = store::event_type::deleted;
      e.now = e.before;
      objects.erase(i);
    } else {
      e.type = e.before ? store::event_type::modified : store::event_type::added;
      e.now = objects[key] = store::freeze({key, pod_json(chance, number)}, revision);
    }
    late.push_back(std::move(e));
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(counts_by_late_events_what_a_look_at_all_pods_counts) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    history h{seed};
    pod_tally tally;
    std::vector<std::pair<store::object, json::value>> sets;
    for (auto name : {"a", "b"}) {
      auto value = set_json(name);
      if (seed % 2 == 0) ensure(value, "spec.minReadySeconds") = 50;
      sets.emplace_back(store::freeze({key_of("replicasets.apps", "default", name), value}, 1), std::move(value));
    }
    auto selector = *kube::label_selector::from_object(sets[0].second.at("spec").at("selector"));
    auto now = int64_t{1'750'000'060'000};
    for (int n = 0; n < 200; ++n) {
      for (auto changes = h.chance.below(6); changes > 0; --changes) h.change();
      for (auto seen = h.chance.below(10); seen > 0 && !h.late.empty(); --seen) {
        tally.observe(h.late.front());
        h.late.pop_front();
      }
      const auto& [set, value] = sets[h.chance.below(2)];
      if (h.chance.below(10) == 0) tally.recount(h.view(), set, value, selector, now);
      auto counted = tally.of(h.view(), set, value, selector, now);
      if (!h.late.empty()) continue;
      pod_tally anew;
      BOOST_REQUIRE_MESSAGE(same(counted, anew.of(h.view(), set, value, selector, now)),
                            "seed " << seed << " at " << n);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_new_generation_of_a_set_is_counted_anew) {
  history h{7};
  for (int n = 0; n < 100; ++n) h.change();
  pod_tally tally;
  auto value = set_json("a");
  auto selector = *kube::label_selector::from_object(value.at("spec").at("selector"));
  auto set = store::freeze({key_of("replicasets.apps", "default", "a"), value}, 1);
  auto before = tally.of(h.view(), set, value, selector, 0);
  BOOST_TEST(before.labeled > 0);
  BOOST_TEST(before.strays > 0);
  ensure(value, "spec.template.metadata.labels.tier") = "nowhere";
  ensure(value, "metadata.generation") = 2;
  set = store::freeze({key_of("replicasets.apps", "default", "a"), value}, 2);
  BOOST_TEST(tally.of(h.view(), set, value, selector, 0).labeled == 0);
}

BOOST_AUTO_TEST_CASE(a_large_set_writes_its_status_seldom_while_its_pods_come_up_and_is_right_in_the_end) {
  constexpr int64_t pods = 400;
  test::cluster c;
  replicaset_core core{test::registry()};
  c.run(core, {"replicasets.apps", "pods"});
  auto rs = test::parsed(R"({"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},
    "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}})");
  ensure(rs, "spec.replicas") = pods;
  c.create("replicasets.apps", rs);
  c.settle();
  auto revision = [&] { return string_at(c.at("replicasets.apps", "default", "web"), "metadata.resourceVersion"); };
  std::set<std::string> written;
  for (const auto& pod : c.all("pods")) {
    c.change("pods", "default", string_at(pod, "metadata.name"), [&](json::value& v) {
      ensure(v, "status.phase") = "Running";
      ensure(v, "status.conditions") = json::array{
          json::object{{"type", "Ready"}, {"status", "True"}, {"lastTransitionTime", format_time(c.now().now_ms)}}};
    });
    c.settle();
    written.emplace(revision());
    c.advance(1);
  }
  c.settle(200'000, replicaset_core::status_ms_max);
  auto end = c.at("replicasets.apps", "default", "web");
  for (auto field : {"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"})
    BOOST_TEST(int_at(end, std::string{"status."} + field) == pods, field);
  // 400 pods in 400 ms, and one status for each 8 ms.
  BOOST_TEST(written.size() > 20);
  BOOST_TEST(written.size() <= 60);
}

BOOST_AUTO_TEST_SUITE_END()
