// Create, read, update, patch, delete and the subresources, by what a client sees.
#include <boost/json/serialize.hpp>

#include "test/api/manifests.hpp"
#include "test/api/world.hpp"

using namespace skerry;
using namespace skerry::test;

BOOST_AUTO_TEST_SUITE(api_verbs)

BOOST_AUTO_TEST_CASE(an_object_is_created_read_updated_and_deleted) {
  api_world w;
  auto made = w.must(201, "POST", maps, config_map("a"));
  BOOST_TEST(made.at("metadata.namespace") == "default");
  BOOST_TEST(!made.at("metadata.uid").empty());
  BOOST_TEST(!made.at("metadata.creationTimestamp").empty());
  auto got = w.must(200, "GET", maps + "/a");
  BOOST_TEST(got.text == made.text);

  auto body = config_map("a", R"("data":{"a":"2"})",
                         R"(,"resourceVersion":")" + std::string{made.at("metadata.resourceVersion")} + "\"");
  auto updated = w.must(200, "PUT", maps + "/a", body);
  BOOST_TEST(updated.at("data.a") == "2");
  BOOST_TEST(updated.at("metadata.uid") == made.at("metadata.uid"));
  auto stale = w.must(409, "PUT", maps + "/a", body);
  BOOST_TEST(stale.at("reason") == "Conflict");
  BOOST_TEST(stale.at("message") ==
             "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your "
             "changes to the "
             "latest version and try again");
  // The same again writes nothing.
  auto same = w.must(200, "PUT", maps + "/a", config_map("a", R"("data":{"a":"2"})"));
  BOOST_TEST(same.at("metadata.resourceVersion") == updated.at("metadata.resourceVersion"));

  auto gone = w.must(200, "DELETE", maps + "/a");
  BOOST_TEST(gone.at("status") == "Success");
  BOOST_TEST(gone.at("details.uid") == made.at("metadata.uid"));
  auto missing = w.must(404, "GET", maps + "/a");
  BOOST_TEST(missing.at("message") == "configmaps \"a\" not found");
  BOOST_TEST(missing.at("details.kind") == "configmaps");
}

BOOST_AUTO_TEST_CASE(names_are_generated_and_checked_for_what_is_taken) {
  api_world w;
  auto generated = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"job-"}})";
  auto first = w.must(201, "POST", maps, generated), second = w.must(201, "POST", maps, generated);
  BOOST_TEST(first.at("metadata.name").starts_with("job-"));
  BOOST_TEST(first.at("metadata.name").size() == 9u);
  BOOST_TEST(first.at("metadata.name") != second.at("metadata.name"));
  w.must(201, "POST", maps, config_map("a"));
  auto taken = w.must(409, "POST", maps, config_map("a"));
  BOOST_TEST(taken.at("reason") == "AlreadyExists");
  BOOST_TEST(taken.at("message") == "configmaps \"a\" already exists");
}

BOOST_AUTO_TEST_CASE(a_dry_run_answers_and_writes_nothing) {
  api_world w;
  auto revision = w.views->current()->revision();
  auto made = w.must(201, "POST", deployments + "?dryRun=All", deployment("web"));
  BOOST_TEST(int_at(made.value, "spec.revisionHistoryLimit") == 10);
  w.must(404, "GET", deployments + "/web");
  w.must(201, "POST", maps, config_map("a"));
  w.must(200, "PATCH", maps + "/a?dryRun=All", R"({"data":{"a":"9"}})", "application/merge-patch+json");
  w.must(200, "DELETE", maps + "/a?dryRun=All");
  BOOST_TEST(w.must(200, "GET", maps + "/a").at("data.a") == "1");
  BOOST_TEST(w.views->current()->revision() == revision + 1);
  w.must(400, "POST", maps + "?dryRun=Some", config_map("b"));
}

BOOST_AUTO_TEST_CASE(the_three_patches_change_what_they_should) {
  api_world w;
  w.must(201, "POST", deployments, deployment("web"));
  auto path = deployments + "/web";
  auto strategic =
      w.must(200, "PATCH", path, R"({"spec":{"template":{"spec":{"containers":[{"name":"side","image":"b"}]}}}})",
             "application/strategic-merge-patch+json");
  BOOST_TEST(array_at(strategic.value, "spec.template.spec.containers").size() == 2u);
  BOOST_TEST(int_at(strategic.value, "metadata.generation") == 2);
  auto merge = w.must(200, "PATCH", path, R"({"spec":{"replicas":5},"metadata":{"labels":{"x":"y"}}})",
                      "application/merge-patch+json");
  BOOST_TEST(int_at(merge.value, "spec.replicas") == 5);
  auto json = w.must(200, "PATCH", path,
                     R"([{"op":"test","path":"/spec/replicas","value":5},{"op":"remove","path":"/metadata/labels/x"}])",
                     "application/json-patch+json");
  BOOST_TEST(json.at("metadata.labels.x") == "");
  auto conflict = w.must(409, "PATCH", path, R"({"metadata":{"resourceVersion":"1"},"spec":{"replicas":1}})",
                         "application/merge-patch+json");
  BOOST_TEST(conflict.at("reason") == "Conflict");
  w.must(404, "PATCH", deployments + "/none", "{}", "application/merge-patch+json");
}

BOOST_AUTO_TEST_CASE(status_and_spec_do_not_touch_each_other) {
  api_world w;
  w.must(201, "POST", deployments, deployment("web"));
  auto status = w.must(200, "PATCH", deployments + "/web/status",
                       R"({"spec":{"replicas":9},"status":{"readyReplicas":2}})", "application/merge-patch+json");
  BOOST_TEST(int_at(status.value, "spec.replicas") == 2);
  BOOST_TEST(int_at(status.value, "status.readyReplicas") == 2);
  BOOST_TEST(int_at(status.value, "metadata.generation") == 1);
  auto spec = w.must(200, "PATCH", deployments + "/web", R"({"spec":{"replicas":9},"status":{"readyReplicas":7}})",
                     "application/merge-patch+json");
  BOOST_TEST(int_at(spec.value, "spec.replicas") == 9);
  BOOST_TEST(int_at(spec.value, "status.readyReplicas") == 2);
  w.must(200, "GET", deployments + "/web/status");
  w.must(404, "GET", maps + "/web/status");
}

BOOST_AUTO_TEST_CASE(a_scale_is_read_and_written) {
  api_world w;
  w.must(201, "POST", deployments, deployment("web"));
  auto scale = w.must(200, "GET", deployments + "/web/scale");
  BOOST_TEST(scale.at("kind") == "Scale");
  BOOST_TEST(int_at(scale.value, "spec.replicas") == 2);
  BOOST_TEST(scale.at("status.selector") == "app=web");
  auto patched =
      w.must(200, "PATCH", deployments + "/web/scale", R"({"spec":{"replicas":4}})", "application/merge-patch+json");
  BOOST_TEST(int_at(patched.value, "spec.replicas") == 4);
  ensure(patched.value, "spec.replicas") = 0;
  w.must(200, "PUT", deployments + "/web/scale", json::serialize(patched.value));
  BOOST_TEST(int_at(w.must(200, "GET", deployments + "/web").value, "spec.replicas", 1) == 0);
  auto stale = w.must(409, "PUT", deployments + "/web/scale", json::serialize(patched.value));
  BOOST_TEST(stale.at("reason") == "Conflict");
  auto negative =
      w.must(422, "PATCH", deployments + "/web/scale", R"({"spec":{"replicas":-1}})", "application/merge-patch+json");
  BOOST_TEST(string_at(array_at(negative.value, "details.causes").at(0), "field") == "spec.replicas");
}

BOOST_AUTO_TEST_CASE(a_pod_is_bound_once) {
  api_world w;
  w.must(201, "POST", pods, pod("p"));
  auto binding = R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}})";
  auto bound = w.must(201, "POST", pods + "/p/binding", binding);
  BOOST_TEST(bound.at("status") == "Success");
  auto p = w.must(200, "GET", pods + "/p");
  BOOST_TEST(p.at("spec.nodeName") == "n1");
  BOOST_TEST(string_at(array_at(p.value, "status.conditions").at(0), "type") == "PodScheduled");
  BOOST_TEST(w.views->current()->pods_on("n1").size() == 1u);
  auto again = w.must(409, "POST", "/api/v1/namespaces/default/bindings", binding);
  BOOST_TEST(again.at("message").find("already assigned to node \"n1\"") != std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(pods_wait_for_their_node_and_others_go_at_once) {
  api_world w;
  w.must(201, "POST", pods, pod("free"));
  BOOST_TEST(w.must(200, "DELETE", pods + "/free").at("status") == "Success");
  w.must(201, "POST", pods, pod("bound", R"(,"nodeName":"n1","terminationGracePeriodSeconds":20)"));
  auto going = w.must(200, "DELETE", pods + "/bound");
  BOOST_TEST(going.at("kind") == "Pod");
  BOOST_TEST(int_at(going.value, "metadata.deletionGracePeriodSeconds") == 20);
  BOOST_TEST(!going.at("metadata.deletionTimestamp").empty());
  auto shorter = w.must(200, "DELETE", pods + "/bound?gracePeriodSeconds=5");
  BOOST_TEST(int_at(shorter.value, "metadata.deletionGracePeriodSeconds") == 5);
  w.must(200, "DELETE", pods + "/bound", R"({"gracePeriodSeconds":0})");
  w.must(404, "GET", pods + "/bound");
}

BOOST_AUTO_TEST_CASE(finalizers_and_policies_hold_an_object) {
  api_world w;
  w.must(201, "POST", maps, config_map("held", R"("data":{})", R"(,"finalizers":["example.com/x"])"));
  auto going = w.must(200, "DELETE", maps + "/held");
  BOOST_TEST(!going.at("metadata.deletionTimestamp").empty());
  w.must(200, "GET", maps + "/held");
  w.must(200, "PATCH", maps + "/held", R"({"metadata":{"finalizers":null}})", "application/merge-patch+json");
  w.must(404, "GET", maps + "/held");
  w.must(201, "POST", deployments, deployment("web"));
  auto foreground = w.must(200, "DELETE", deployments + "/web", R"({"propagationPolicy":"Foreground"})");
  BOOST_TEST(array_at(foreground.value, "metadata.finalizers").at(0).get_string() == "foregroundDeletion");
  w.must(400, "DELETE", deployments + "/web?propagationPolicy=Sideways");
}

BOOST_AUTO_TEST_CASE(preconditions_are_kept) {
  api_world w;
  auto made = w.must(201, "POST", maps, config_map("a"));
  auto wrong = w.must(409, "DELETE", maps + "/a", R"({"preconditions":{"uid":"other"}})");
  BOOST_TEST(wrong.at("message").find("UID in precondition: other") != std::string_view::npos);
  w.must(409, "DELETE", maps + "/a", R"({"preconditions":{"resourceVersion":"999"}})");
  w.must(200, "DELETE", maps + "/a", R"({"preconditions":{"uid":")" + std::string{made.at("metadata.uid")} + "\"}}");
}

BOOST_AUTO_TEST_CASE(a_namespace_terminates_and_takes_nothing_new) {
  api_world w;
  w.must(201, "POST", "/api/v1/namespaces", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}})");
  w.must(201, "POST", "/api/v1/namespaces/n/configmaps", config_map("a"));
  auto going = w.must(200, "DELETE", "/api/v1/namespaces/n");
  BOOST_TEST(going.at("status.phase") == "Terminating");
  auto refused = w.must(403, "POST", "/api/v1/namespaces/n/configmaps", config_map("b"));
  BOOST_TEST(refused.at("reason") == "Forbidden");
  BOOST_TEST(refused.at("message").find("because it is being terminated") != std::string_view::npos);
  ensure(going.value, "spec.finalizers") = json::array{};
  w.must(200, "PUT", "/api/v1/namespaces/n/finalize", json::serialize(going.value));
  w.must(404, "GET", "/api/v1/namespaces/n");
  w.must(403, "DELETE", "/api/v1/namespaces/default");
  auto nowhere = w.must(404, "POST", "/api/v1/namespaces/nowhere/configmaps", config_map("a"));
  BOOST_TEST(nowhere.at("message") == "namespaces \"nowhere\" not found");
}

BOOST_AUTO_TEST_CASE(a_collection_is_deleted_by_selector_in_bounded_commits) {
  api_world w;
  for (int i = 0; i < 300; ++i)
    w.must(201, "POST", maps,
           config_map("c" + std::to_string(i), R"("data":{})", i < 290 ? R"(,"labels":{"go":"yes"})" : ""));
  auto gone = w.must(200, "DELETE", maps + "?labelSelector=go%3Dyes");
  BOOST_TEST(array_at(gone.value, "items").size() == 290u);
  BOOST_TEST(array_at(w.must(200, "GET", maps).value, "items").size() == 10u);
}

BOOST_AUTO_TEST_CASE(writes_at_once_to_one_object_all_count) {
  api_world w;
  w.must(201, "POST", maps, config_map("a", R"("data":{})"));
  std::vector<std::shared_ptr<fake_exchange>> all;
  for (int i = 0; i < 40; ++i) {
    auto key = "k" + std::to_string(i);
    all.push_back(std::make_shared<fake_exchange>(api_world::request(
        "PATCH", maps + "/a", R"({"data":{")" + key + R"(":"x"}})", "application/merge-patch+json")));
  }
  // Eight at a time: each commit makes the others look again, and each has eight looks.
  for (size_t i = 0; i < all.size(); i += 8) {
    for (size_t k = i; k < i + 8; ++k) w.front.serve(all[k]);
    for (size_t k = i; k < i + 8; ++k) {
      BOOST_REQUIRE(all[k]->wait([&] { return all[k]->done; }));
      BOOST_TEST_CONTEXT(all[k]->text) BOOST_TEST(all[k]->code == 200);
    }
  }
  BOOST_TEST(object_at(w.must(200, "GET", maps + "/a").value, "data").size() == 40u);
}

BOOST_AUTO_TEST_CASE(the_front_outlives_its_store) {
  api_world w;
  w.must(201, "POST", maps, config_map("a"));
  w.directory.erase("/cloud/store", w.store.id());
  w.stop(w.store);
  w.must(200, "GET", maps + "/a");  // reads go on
  auto refused = w.must(503, "POST", maps, config_map("b"));
  BOOST_TEST(refused.at("reason") == "ServiceUnavailable");
  BOOST_TEST(refused.headers.find("Retry-After: 1") != std::string::npos);
  BOOST_TEST(w.call("GET", "/readyz").code == 500);
  BOOST_TEST(w.call("GET", "/livez").code == 200);
  w.start_store();
  w.must(201, "POST", maps, config_map("b"));
}

BOOST_AUTO_TEST_CASE(a_write_whose_end_nobody_knows_is_answered_so) {
  api_world w;
  // The store is dead and its path still gives it: what is sent to it is let go.
  auto dead = w.store;
  w.stop(w.store);
  w.directory.put("/cloud/store", dead);
  auto a = w.must(503, "POST", maps, config_map("a"));
  BOOST_TEST(a.text.find("may or may not have happened") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(writes_that_take_too_long_are_found) {
  struct job final : api::write_job {
    decision decide(const store::view&) override { return api::reply{}; }
    decision committed(const store::committed&, const store::view&) override { return api::reply{}; }
    std::optional<api::reply> failed(const caf::error&) override { return api::reply{}; }
  };
  api::open_writes open;
  auto answered = std::make_shared<job>(), hung = std::make_shared<job>();
  BOOST_TEST(open.add(answered, 1'000));
  BOOST_TEST(!open.add(hung, 2'000));
  answered.reset();
  BOOST_TEST(open.overdue(11'500).empty());
  BOOST_TEST(!open.empty());
  auto late = open.overdue(2'000 + api::open_writes::commit_ms_max);
  BOOST_REQUIRE(late.size() == 1u);
  BOOST_TEST((late[0] == hung));
  BOOST_TEST(open.empty());
}

BOOST_AUTO_TEST_SUITE_END()
