#include "actors/controllers/device_merge.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include "actors/controllers/node_sync.hpp"
#include "actors/link/desired.hpp"
#include "actors/store/contents.hpp"
#include "schema/device/limits.hpp"
#include "test/controllers/cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;

namespace {

struct scene {
  test::seeded random{1};
  store::contents all;
  uint64_t revision = 0;

  scene() {
    json::value ns = json::object{{"metadata", json::object{{"name", "default"}}}};
    all.put(store::freeze({{"namespaces", "", "default"}, std::move(ns)}, ++revision));
  }
  store::object put(std::string_view resource, const char* name, json::value value) {
    ensure(value, "metadata.name") = name;
    ensure(value, "metadata.namespace") = "default";
    auto o = store::freeze({{std::string{resource}, "default", name}, std::move(value)}, ++revision);
    all.put(o);
    return o;
  }
  void device(const char* name, const char* node, const char* uid) {
    put(store::devices_resource, name,
        json::object{{"apiVersion", "devices.kubeedge.io/v1beta1"},
                     {"kind", "Device"},
                     {"metadata", json::object{{"uid", uid}}},
                     {"spec", json::object{{"nodeName", node}, {"deviceModelRef", json::object{{"name", "m"}}}}}});
  }
  void apply(const merged_fact& m) {
    for (const auto& c : m.changes) all.put(store::freeze(c.object, ++revision));
  }
  merged_fact merge(const char* node, const char* name, const char* uid, const std::string& json) {
    link::fact_data f;
    f.what = link::fact_kind::device_status;
    f.pod = {"default", name, uid};
    f.json = json;
    return merge_fact(*view(), test::registry(), node, f, {1'700'000'000'000, random});
  }
  store::view_ptr view() { return std::make_shared<store::contents_view>(all, revision, 0); }
  json::value get(std::string_view resource, const char* name) {
    auto o = all.get(resource, "default", name);
    BOOST_REQUIRE(o);
    return store::parse(o);
  }
};

const std::string online =
    R"({"state":"online","lastOnlineTime":"2026-11-23T10:00:00Z","twins":[{"propertyName":"t","reported":{"value":"21.5","metadata":{"quality":"good"}}}]})";

}  // namespace

BOOST_AUTO_TEST_SUITE(device_merge)

BOOST_FIXTURE_TEST_CASE(a_node_speaks_of_its_own_devices_alone, scene) {
  device("d", "rock-1", "u1");
  auto m = merge("rock-2", "d", "u1", online);
  BOOST_TEST(m.changes.empty());
  BOOST_TEST(m.dropped.find("placed on node rock-1") != std::string::npos);
  BOOST_TEST(merge("rock-1", "d", "u0", online).changes.empty());  // an earlier device of the name
  BOOST_TEST(merge("rock-1", "gone", "u1", online).changes.empty());
  BOOST_TEST(!merge("rock-1", "d", "u1", "[1]").dropped.empty());
  m = merge("rock-1", "d", "u1", online);
  BOOST_TEST(m.changes.size() == 2u);
  apply(m);
  auto status = get(store::device_statuses_resource, "d");
  BOOST_TEST(string_at(status, "status.state") == "online");
  BOOST_TEST(string_at(array_at(status, "metadata.ownerReferences")[0], "uid") == "u1");
  BOOST_TEST(string_at(get(store::devices_resource, "d"), "status.state") == "online");
  BOOST_TEST(merge("rock-1", "d", "u1", online).changes.empty());  // it is so already
  BOOST_TEST(merge("rock-1", "d", "u1", R"({"state":"offline"})").changes.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(what_a_hostile_node_adds_is_left_out, scene) {
  device("d", "rock-1", "u1");
  json::array twins;
  for (int i = 0; i < 1'000; ++i)
    twins.push_back(json::object{{"propertyName", std::to_string(i)},
                                 {"reported", json::object{{"value", std::string(10'000, 'x')}}}});
  twins.push_back(7);
  json::object stated{{"state", 5}, {"evil", json::object{{"a", 1}}}, {"twins", std::move(twins)}};
  apply(merge("rock-1", "d", "u1", json::serialize(stated)));
  auto status = get(store::device_statuses_resource, "d");
  BOOST_TEST((find(status, "status.evil") == nullptr));
  BOOST_TEST((find(status, "status.state") == nullptr));
  BOOST_TEST(array_at(status, "status.twins").size() == limits::device_properties_max);
  BOOST_TEST(string_at(array_at(status, "status.twins")[0], "reported.value").size() == limits::device_text_bytes_max);
}

BOOST_FIXTURE_TEST_CASE(a_status_that_an_earlier_device_left_is_taken_over, scene) {
  device("d", "rock-1", "u1");
  apply(merge("rock-1", "d", "u1", online));
  device("d", "rock-1", "u2");
  apply(merge("rock-1", "d", "u2", online));
  const auto status = get(store::device_statuses_resource, "d");
  BOOST_REQUIRE(array_at(status, "metadata.ownerReferences").size() == 1u);
  BOOST_TEST(string_at(array_at(status, "metadata.ownerReferences")[0], "uid") == "u2");
}

BOOST_FIXTURE_TEST_CASE(a_node_gets_its_devices_and_their_models, scene) {
  device("d", "rock-1", "u1");
  device("other", "rock-2", "u2");
  put(store::device_models_resource, "m", json::object{{"metadata", json::object{{"uid", "m1"}}}});
  put(store::device_models_resource, "unused", json::object{{"metadata", json::object{{"uid", "m2"}}}});
  link::desired_set set{"rock-1"};
  auto wanted = set.compute(*view());
  std::string names;
  for (const auto& [key, w] : wanted) names += store::to_string(key) + "; ";
  BOOST_TEST(names == "devicemodels.devices.kubeedge.io default/m; devices.devices.kubeedge.io default/d; ");
  BOOST_TEST(set.interest().size() == 1u);
  BOOST_TEST(view()->pods_on("rock-1").empty());
  // A status moves nothing at the node.
  auto digest = wanted.begin()->second.digest;
  apply(merge("rock-1", "d", "u1", online));
  BOOST_TEST(set.compute(*view()).begin()->second.digest == digest);

  node_routes routes;
  std::set<std::string, std::less<>> nodes;
  store::event e;
  e.now = all.get(store::devices_resource, "default", "d");
  e.before = all.get(store::devices_resource, "default", "other");  // as if it had moved
  routes.concerned(e, nodes);
  BOOST_TEST(nodes.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
