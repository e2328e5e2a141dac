// Objects by letters: the same decisions as the REST API.
#include "test/sdk/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {
sdk::key map_key(const std::string& name) { return {"configmaps", "default", name}; }
}  // namespace

BOOST_AUTO_TEST_SUITE(sdk_objects)

BOOST_AUTO_TEST_CASE(one_object_through_its_life) {
  sdk_world w;
  auto made = w.create("configmaps", w.map_of("a", "1", R"({"app":"web"})"));
  BOOST_REQUIRE(made);
  BOOST_TEST(store::name_of(*made) == "a");
  BOOST_TEST(store::revision_of(*made) > 0);
  BOOST_TEST(store::label_of(*made, "app").value_or("") == "web");
  BOOST_TEST(w.call("GET", "/api/v1/namespaces/default/configmaps/a").at("metadata.uid") == store::uid_of(*made));

  auto v = store::parse(*made);
  ensure(v, "data.x") = "2";
  auto changed = w.update(map_key("a"), v);
  BOOST_REQUIRE(changed);
  BOOST_TEST(store::revision_of(*changed) > store::revision_of(*made));

  ensure(v, "data.x") = "3";  // still with the revision that was read first
  auto late = w.update(map_key("a"), v);
  BOOST_REQUIRE(!late);
  BOOST_TEST((code_of(late.error()) == errc::conflict));
  BOOST_TEST(sdk::status_of(late.error()).reason == "Conflict");
  BOOST_TEST(sdk::status_of(late.error()).code == 409);

  auto patched = w.ask<sdk_world::one>([&](auto& o, auto done) {
    o.patch(map_key("a"), sdk::patch_kind::merge, json::object{{"data", json::object{{"y", "4"}}}}, done);
  });
  BOOST_REQUIRE(patched);
  BOOST_TEST(string_at(store::parse(*patched), "data.x") == "2");
  BOOST_TEST(string_at(store::parse(*patched), "data.y") == "4");

  auto wrong = w.remove(map_key("a"), {.uid = "another"});
  BOOST_TEST((code_of(wrong) == errc::conflict));
  BOOST_TEST(!w.remove(map_key("a")));
  BOOST_TEST((code_of(w.remove(map_key("a"))) == errc::not_found));
  BOOST_TEST((code_of(w.get(map_key("a")).error()) == errc::not_found));
}

BOOST_AUTO_TEST_CASE(refusals_name_every_broken_rule) {
  sdk_world w;
  BOOST_REQUIRE(w.create("configmaps", w.map_of("a", "1")));
  auto twice = w.create("configmaps", w.map_of("a", "1"));
  BOOST_TEST((code_of(twice.error()) == errc::already_exists));
  BOOST_TEST(message_of(twice.error()) == "configmaps \"a\" already exists");
  auto bad = w.create("configmaps", w.map_of("No Name", "1"));
  BOOST_TEST((code_of(bad.error()) == errc::invalid));
  auto s = sdk::status_of(bad.error());
  BOOST_TEST(s.code == 422);
  BOOST_REQUIRE(s.causes.size() == 1u);
  BOOST_TEST(s.causes[0].field == "metadata.name");
  BOOST_TEST(!s.causes[0].message.empty());
  auto nowhere = w.create("nothings", w.map_of("a", "1"));
  BOOST_TEST((code_of(nowhere.error()) == errc::invalid));
  BOOST_TEST(message_of(nowhere.error()).find("nothings") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(defaults_are_the_api_s) {
  sdk_world w;
  auto d = w.create("deployments.apps", R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d",
    "namespace":"default"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
    "spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  BOOST_REQUIRE(d);
  auto v = store::parse(*d);
  BOOST_TEST(int_at(v, "spec.replicas") == 1);
  BOOST_TEST(string_at(v, "spec.strategy.type") == "RollingUpdate");
  ensure(v, "status.replicas") = 7;
  ensure(v, "spec.replicas") = 9;
  auto s = w.ask<sdk_world::one>([&](auto& o, auto done) {
    o.update_status({"deployments.apps", "default", "d"}, v, done);
  });
  BOOST_REQUIRE(s);
  BOOST_TEST(int_at(store::parse(*s), "status.replicas") == 7);
  BOOST_TEST(int_at(store::parse(*s), "spec.replicas") == 1);
}

BOOST_AUTO_TEST_CASE(lists_go_over_all_pages) {
  sdk_world w;
  for (int i = 0; i < 600; ++i)
    w.must(201, "POST", "/api/v1/namespaces/default/configmaps",
           w.map_of("m" + std::to_string(i), "1", i % 3 == 0 ? R"({"app":"web"})" : "{}"));
  using many = caf::expected<sdk::object_list>;
  auto all = w.ask<many>([&](auto& o, auto done) { o.list("configmaps", {"default", {}, {}}, done); });
  BOOST_REQUIRE(all);
  BOOST_TEST(all->items.size() == 600u);
  BOOST_TEST(all->revision > 0u);
  auto some = w.ask<many>([&](auto& o, auto done) { o.list("configmaps", {{}, "app=web", {}}, done); });
  BOOST_REQUIRE(some);
  BOOST_TEST(some->items.size() == 200u);
  auto bad = w.ask<many>([&](auto& o, auto done) { o.list("configmaps", {{}, "app==(", {}}, done); });
  BOOST_TEST((code_of(bad.error()) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(a_controller_has_the_rights_that_it_is_bound_to) {
  sdk_world w;
  w.must(201, "POST", "/api/v1/namespaces/default/configmaps", w.map_of("a", "1"));
  w.identity = ports::peer_identity{"skerry:controller:op", {"skerry:controllers"}, ""};
  auto no = w.get(map_key("a"));
  BOOST_REQUIRE(!no);
  BOOST_TEST((code_of(no.error()) == errc::forbidden));
  BOOST_TEST(message_of(no.error()).find("skerry:controller:op") != std::string::npos);
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1";
  w.must(201, "POST", rbac + "/clusterroles", R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole",
    "metadata":{"name":"op"},"rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["get","list"]},
    {"apiGroups":["rbac.authorization.k8s.io"],"resources":["*"],"verbs":["*"]}]})");
  w.must(201, "POST", rbac + "/clusterrolebindings", R"({"apiVersion":"rbac.authorization.k8s.io/v1",
    "kind":"ClusterRoleBinding","metadata":{"name":"op"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",
    "kind":"ClusterRole","name":"op"},"subjects":[{"kind":"User","name":"skerry:controller:op"}]})");
  BOOST_TEST(w.get(map_key("a")).operator bool());
  BOOST_TEST((code_of(w.remove(map_key("a"))) == errc::forbidden));
  BOOST_TEST((code_of(w.get({"secrets", "default", "a"}).error()) == errc::forbidden));
  // To write roles would be to give oneself any right.
  BOOST_TEST((code_of(w.remove({"clusterroles.rbac.authorization.k8s.io", "", "op"})) == errc::forbidden));
  w.identity = std::nullopt;
  BOOST_TEST((code_of(w.get(map_key("a")).error()) == errc::forbidden));
}

BOOST_AUTO_TEST_SUITE_END()
