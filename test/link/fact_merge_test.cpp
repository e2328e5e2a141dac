#include <boost/test/unit_test.hpp>

#include <boost/json/serialize.hpp>

#include "actors/controllers/fact_merge.hpp"
#include "actors/store/contents.hpp"
#include "schema/kube/registry.hpp"
#include "test/link/world.hpp"

using namespace skerry;

namespace {

struct merging {
  kube::registry registry;
  test::seeded_chance chance{9};
  store::contents contents;
  int64_t now_ms = 1'764'000'000'000;

  store::object put(const std::string& resource, const std::string& ns, const std::string& name,
                    const std::string& body) {
    std::string why;
    auto v = parse_json(body, why);
    BOOST_REQUIRE_MESSAGE(why.empty(), why);
    auto& meta = ensure(v, "metadata");
    if (!meta.is_object()) meta.emplace_object();
    meta.get_object()["name"] = name;
    if (!ns.empty()) meta.get_object()["namespace"] = ns;
    if (!meta.get_object().contains("uid")) meta.get_object()["uid"] = "uid-" + name;
    auto o = store::freeze({{resource, ns, name}, v}, store::stamp{7, 0, 0});
    contents.put(o);
    return o;
  }
  controllers::merged_fact merge(link::fact_kind what, const std::string& json, const std::string& pod = "p",
                                 const std::string& node = "n1") {
    store::contents_view view{contents, 7, 0};
    return controllers::merge_fact(view, registry, node, {1, what, {"d", pod, "uid-" + pod}, json}, {now_ms, chance});
  }
  void pod(const std::string& extra_meta = "", const std::string& status = R"({"phase":"Pending"})") {
    put("pods", "d", "p",
        R"({"metadata":{"labels":{})" + extra_meta + R"(},"spec":{"nodeName":"n1"},"status":)" + status + "}");
  }
};
using link::fact_kind;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fact_merging, merging)

BOOST_AUTO_TEST_CASE(a_pod_status_replaces_status_and_keeps_conditions_of_others) {
  pod("",
      R"({"phase":"Pending","qosClass":"BestEffort","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":"False"}]})");
  auto m = merge(fact_kind::pod_status, R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}]})");
  BOOST_REQUIRE(m.changes.size() == 1u);
  const auto& v = m.changes[0].object.value;
  BOOST_TEST(string_at(v, "status.phase") == "Running");
  BOOST_TEST(string_at(v, "status.qosClass") == "BestEffort");
  BOOST_TEST(array_at(v, "status.conditions").size() == 2u);
  BOOST_TEST(m.changes[0].expected_revision.value_or(0) == 7u);
  // The same again changes nothing.
  put("pods", "d", "p", json::serialize(v));
  BOOST_TEST(merge(fact_kind::pod_status, R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}]})")
                 .changes.empty());
}

BOOST_AUTO_TEST_CASE(a_node_speaks_for_itself_alone) {
  pod();
  auto foreign = merge(fact_kind::pod_status, R"({"phase":"Failed"})", "p", "n2");
  BOOST_TEST(foreign.changes.empty());
  BOOST_TEST(!foreign.dropped.empty());
  BOOST_TEST(merge(fact_kind::pod_gone, "", "p", "n2").changes.empty());
  BOOST_TEST(merge(fact_kind::pod_status, "{}", "absent").changes.empty());
  for (auto bad : {"", "[]", "{", "\"x\""}) BOOST_TEST(!merge(fact_kind::pod_status, bad).dropped.empty(), bad);
  auto event = [](const char* kind, const char* name) {
    return R"({"metadata":{"name":"e","namespace":"d"},"involvedObject":{"kind":")" + std::string{kind} +
           R"(","namespace":"d","name":")" + name + "\"}}";
  };
  put("namespaces", "", "d", R"({"status":{"phase":"Active"}})");
  BOOST_TEST(merge(fact_kind::event, event("Pod", "p")).changes.size() == 1u);
  BOOST_TEST(merge(fact_kind::event, event("Node", "n1")).changes.size() == 1u);
  BOOST_TEST(merge(fact_kind::event, event("Node", "n2")).changes.empty());
  BOOST_TEST(merge(fact_kind::event, event("Secret", "s")).changes.empty());
  BOOST_TEST(merge(fact_kind::event, event("Pod", "p"), "p", "n2").changes.empty());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_pod_removes_it_only_if_it_was_deleted) {
  pod();
  BOOST_TEST(!merge(fact_kind::pod_gone, "").dropped.empty());
  pod(R"(,"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":30)");
  auto m = merge(fact_kind::pod_gone, "");
  BOOST_REQUIRE(m.changes.size() == 1u);
  BOOST_TEST((m.changes[0].what == store::verb::remove));
  pod(R"(,"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":30,"finalizers":["example.com/x"])");
  m = merge(fact_kind::pod_gone, "");
  BOOST_REQUIRE(m.changes.size() == 1u);
  BOOST_TEST((m.changes[0].what == store::verb::update));
  BOOST_TEST(int_at(m.changes[0].object.value, "metadata.deletionGracePeriodSeconds", -1) == 0);
}

BOOST_AUTO_TEST_CASE(a_node_is_made_then_kept_up_to_date_without_noise) {
  auto status = [](const std::string& ready, int64_t beat_ms) {
    return R"({"metadata":{"labels":{"site":"a"}},"conditions":[{"type":"Ready","status":")" + ready +
           R"(","lastHeartbeatTime":")" + format_time(beat_ms) + R"(","lastTransitionTime":"2020-01-01T00:00:00Z"}]})";
  };
  auto made = merge(fact_kind::node_status, status("True", now_ms));
  BOOST_REQUIRE(made.changes.size() == 1u);
  BOOST_TEST((made.changes[0].what == store::verb::create));
  BOOST_TEST(!string_at(made.changes[0].object.value, "metadata.uid").empty());
  put("nodes", "", "n1", json::serialize(made.changes[0].object.value));
  now_ms += 60'000;
  BOOST_TEST(merge(fact_kind::node_status, status("True", now_ms)).changes.empty());
  now_ms += 5 * 60'000;
  BOOST_TEST(merge(fact_kind::node_status, status("True", now_ms)).changes.size() == 1u);
  auto changed = merge(fact_kind::node_status, status("False", now_ms));
  BOOST_REQUIRE(changed.changes.size() == 1u);
  const auto& c = array_at(changed.changes[0].object.value, "status.conditions").at(0);
  BOOST_TEST(string_at(c, "lastTransitionTime") == format_time(now_ms));
}

BOOST_AUTO_TEST_CASE(an_event_grows_and_never_shrinks) {
  put("namespaces", "", "d", R"({"status":{"phase":"Active"}})");
  pod();
  auto event = [](int count) {
    return R"({"metadata":{"name":"e","namespace":"d"},"involvedObject":{"kind":"Pod","namespace":"d","name":"p"},"message":"m","count":)" +
           std::to_string(count) + "}";
  };
  auto made = merge(fact_kind::event, event(2));
  BOOST_REQUIRE(made.changes.size() == 1u);
  put("events", "d", "e", json::serialize(made.changes[0].object.value));
  BOOST_TEST(merge(fact_kind::event, event(2)).changes.empty());
  BOOST_TEST(merge(fact_kind::event, event(1)).changes.empty());
  auto more = merge(fact_kind::event, event(3));
  BOOST_REQUIRE(more.changes.size() == 1u);
  BOOST_TEST(int_at(more.changes[0].object.value, "count") == 3);
}

BOOST_AUTO_TEST_SUITE_END()
