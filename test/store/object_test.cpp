#include <boost/test/unit_test.hpp>

#include "actors/store/object.hpp"

using namespace skerry;
using namespace skerry::store;

namespace {
draft make(const char* resource, const char* text) {
  std::string error;
  auto v = parse_json(text, error);
  BOOST_REQUIRE_MESSAGE(error.empty(), error);
  return {{resource, std::string{string_at(v, "metadata.namespace")}, std::string{string_at(v, "metadata.name")}}, v};
}

constexpr auto pod = R"({
  "status": {"phase": "Running", "podIP": "10.0.0.7"}, "kind": "Pod",
  "metadata": {"name": "web-0", "namespace": "default", "resourceVersion": "3", "uid": "u-1", "generation": 4,
    "labels": {"tier": "front", "app": "web", "quote": "a\"b"}, "creationTimestamp": "2001-09-09T01:46:40Z",
    "deletionTimestamp": "2001-09-09T01:46:41Z", "finalizers": ["a/b"],
    "ownerReferences": [{"uid": "o-1", "kind": "ReplicaSet", "name": "web", "controller": true}, {"uid": "o-2"}]},
  "apiVersion": "v1", "spec": {"nodeName": "n1", "restartPolicy": "Always"}, "x-unknown": [1, 2.5, null]})";
}  // namespace

BOOST_AUTO_TEST_SUITE(objects)

BOOST_AUTO_TEST_CASE(freezing_extracts_what_the_system_selects_by) {
  auto o = freeze(make("pods", pod), stamp{17, 12, 99});
  BOOST_TEST(resource_of(o) == "pods");
  BOOST_TEST(namespace_of(o) == "default");
  BOOST_TEST(name_of(o) == "web-0");
  BOOST_TEST(uid_of(o) == "u-1");
  BOOST_TEST(node_of(o) == "n1");
  BOOST_TEST(phase_of(o) == "Running");
  BOOST_TEST(revision_of(o) == 17u);
  BOOST_TEST((*o).getPrevious() == 12u);
  BOOST_TEST((*o).getCommittedMs() == 99);
  BOOST_TEST((*o).getGeneration() == 4);
  BOOST_TEST((*o).getCreatedMs() == 1'000'000'000'000);
  BOOST_TEST(is_deleting(o));
  BOOST_TEST(view_of((*o).getLabels()[0].getKey()) == "app");
  BOOST_TEST(label_of(o, "quote").value() == "a\"b");
  BOOST_TEST(label_of(o, "tier").value() == "front");
  BOOST_TEST(!label_of(o, "none"));
  BOOST_TEST((*o).getOwners().size() == 2u);
  BOOST_TEST(view_of((*o).getOwners()[0].getKind()) == "ReplicaSet");
  BOOST_TEST((*o).getOwners()[0].getController());
  BOOST_TEST(!(*o).getOwners()[1].getController());
  BOOST_TEST(view_of((*o).getFinalizers()[0]) == "a/b");
}

BOOST_AUTO_TEST_CASE(the_canonical_json_is_ordered_and_carries_the_revision) {
  auto o = freeze(make("pods", pod), 17);
  BOOST_TEST(json_of(o).starts_with(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"17","name":"web-0","namespace":"default","uid")"));
  auto v = parse(o);
  BOOST_TEST(string_at(v, "metadata.resourceVersion") == "17");
  BOOST_TEST(array_at(v, "x-unknown").size() == 3u);
  auto again = freeze({key_of(o), v}, 17);
  BOOST_TEST(json_of(again) == json_of(o));
}

BOOST_AUTO_TEST_CASE(fields_that_selectors_ask_for) {
  auto p = freeze(make("pods", pod), 1);
  BOOST_TEST(field_of(p, "metadata.name").value() == "web-0");
  BOOST_TEST(field_of(p, "metadata.namespace").value() == "default");
  BOOST_TEST(field_of(p, "spec.nodeName").value() == "n1");
  BOOST_TEST(field_of(p, "status.phase").value() == "Running");
  BOOST_TEST(field_of(p, "status.podIP").value() == "10.0.0.7");
  BOOST_TEST(field_of(p, "spec.restartPolicy").value() == "Always");
  BOOST_TEST(field_of(p, "spec.hostNetwork").value() == "false");
  BOOST_TEST(field_of(p, "spec.schedulerName").value() == "");
  BOOST_TEST(!field_of(p, "spec.color"));
  auto e = freeze(make("events", R"({"metadata":{"name":"e","namespace":"d"},"reason":"Pulled","type":"Normal",
      "involvedObject":{"kind":"Pod","name":"web-0"}})"),
                  1);
  BOOST_TEST(field_of(e, "involvedObject.name").value() == "web-0");
  BOOST_TEST(field_of(e, "reason").value() == "Pulled");
  BOOST_TEST(field_of(e, "type").value() == "Normal");
  auto n = freeze(make("nodes", R"({"metadata":{"name":"n1"},"spec":{"unschedulable":true}})"), 1);
  BOOST_TEST(field_of(n, "spec.unschedulable").value() == "true");
  BOOST_TEST(namespace_of(n) == "");
}

BOOST_AUTO_TEST_CASE(a_removal_is_the_last_state_under_a_new_revision) {
  auto o = freeze(make("pods", pod), 9);
  auto r = freeze_removal(o, stamp{12345, 9, 7});
  BOOST_TEST((*r).getRemoved());
  BOOST_TEST(!(*o).getRemoved());
  BOOST_TEST(revision_of(r) == 12345u);
  BOOST_TEST((*r).getPrevious() == 9u);
  auto expected = parse(o);
  ensure(expected, "metadata.resourceVersion") = "12345";
  BOOST_TEST((parse(r) == expected));
  BOOST_TEST(label_of(r, "app").value() == "web");
  BOOST_TEST(key_of(r).name == "web-0");
  BOOST_TEST(uid_of(r) == "u-1");
}

BOOST_AUTO_TEST_CASE(strange_values_freeze_without_harm) {
  auto o = freeze(
      make("pods", R"({"kind":"\"metadata\":{\"resourceVersion\":\"","metadata":{"labels":7,"ownerReferences":[1,{}],
      "finalizers":[null],"uid":3,"creationTimestamp":"never"},"spec":[],"status":{"phase":1}})"),
      5);
  BOOST_TEST(uid_of(o) == "");
  BOOST_TEST((*o).getCreatedMs() == 0);
  BOOST_TEST(string_at(parse(freeze_removal(o, stamp{6, 5, 0})), "metadata.resourceVersion") == "6");
  auto bare = freeze({{"things.example.com", "", "x"}, json::value{}}, 5);
  BOOST_TEST(json_of(bare) == R"({"metadata":{"resourceVersion":"5"}})");
}

BOOST_AUTO_TEST_SUITE_END()
