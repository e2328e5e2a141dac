// Lists, forms, watches.
#include "test/api/manifests.hpp"
#include "test/api/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {
std::string names(const json::value& list) {
  std::string out;
  for (const auto& o : array_at(list, "items")) out += std::string{string_at(o, "metadata.name")} + " ";
  return out;
}
/// The frames so far: "ADDED a", one a line.
std::string frames(fake_exchange& e) {
  std::string out, error;
  size_t at = 0;
  for (size_t end; (end = e.text.find('\n', at)) != std::string::npos; at = end + 1) {
    auto v = parse_json(std::string_view{e.text}.substr(at, end - at), error);
    BOOST_TEST(error == "");
    out += std::string{string_at(v, "type")} + " " + std::string{string_at(v, "object.metadata.name")} + "\n";
  }
  return out;
}
bool await(fake_exchange& e, const std::string& wanted) {
  bool ok = e.wait([&] { return frames(e) == wanted; });
  if (!ok) BOOST_TEST_MESSAGE(frames(e));
  return ok;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(api_reads)

BOOST_AUTO_TEST_CASE(lists_are_selected_and_paged_at_one_revision) {
  api_world w;
  for (const char* n : {"a", "b", "c", "d", "e"})
    w.must(201, "POST", maps,
           config_map(n, R"("data":{})", n[0] < 'c' ? R"(,"labels":{"x":"1"})" : R"(,"labels":{"x":"2"})"));
  w.must(201, "POST", "/api/v1/namespaces/kube-system/configmaps", config_map("z"));
  auto all = w.must(200, "GET", maps);
  BOOST_TEST(all.at("kind") == "ConfigMapList");
  BOOST_TEST(all.at("apiVersion") == "v1");
  BOOST_TEST(all.at("metadata.resourceVersion") == std::to_string(w.views->current()->revision()));
  BOOST_TEST(names(all.value) == "a b c d e ");
  BOOST_TEST(names(w.must(200, "GET", "/api/v1/configmaps").value) == "a b c d e z ");
  BOOST_TEST(names(w.must(200, "GET", maps + "?labelSelector=x%3D1").value) == "a b ");
  BOOST_TEST(names(w.must(200, "GET", maps + "?labelSelector=x+notin+(1)").value) == "c d e ");
  BOOST_TEST(names(w.must(200, "GET", maps + "?fieldSelector=metadata.name%3Dd").value) == "d ");
  BOOST_TEST(names(w.must(200, "GET", "/api/v1/configmaps?fieldSelector=metadata.namespace!%3Ddefault").value) == "z ");

  auto first = w.must(200, "GET", "/api/v1/configmaps?limit=2");
  BOOST_TEST(names(first.value) == "a b ");
  BOOST_TEST(int_at(first.value, "metadata.remainingItemCount") == 4);
  w.must(200, "DELETE", maps + "/d");  // between two pages: they stay of one revision
  auto second = w.must(200, "GET", "/api/v1/configmaps?limit=2&continue=" + std::string{first.at("metadata.continue")});
  BOOST_TEST(names(second.value) == "c d ");
  BOOST_TEST(second.at("metadata.resourceVersion") == first.at("metadata.resourceVersion"));
  auto third = w.must(200, "GET", "/api/v1/configmaps?limit=2&continue=" + std::string{second.at("metadata.continue")});
  BOOST_TEST(names(third.value) == "e z ");
  BOOST_TEST(third.at("metadata.continue") == "");
}

BOOST_AUTO_TEST_CASE(a_page_of_the_compacted_past_is_gone) {
  api_world w{store::history_options{.events_max = 4}};
  for (const char* n : {"a", "b", "c"}) w.must(201, "POST", maps, config_map(n));
  auto first = w.must(200, "GET", maps + "?limit=1");
  for (int i = 0; i < 40; ++i) {
    w.must(200, "PATCH", maps + "/a", R"({"data":{"a":")" + std::to_string(i + 5) + "\"}}",
           "application/merge-patch+json");
    w.must(200, "GET", maps + "?limit=1");  // other lists push its view out
  }
  auto gone = w.must(410, "GET", maps + "?limit=1&continue=" + std::string{first.at("metadata.continue")});
  BOOST_TEST(gone.at("reason") == "Expired");
}

BOOST_AUTO_TEST_CASE(tables_and_metadata_are_forms_of_the_same) {
  api_world w;
  w.must(201, "POST", deployments, deployment("web"));
  auto ask = [&](std::string target, std::string accept) {
    auto r = api_world::request("GET", std::move(target));
    r.accept = std::move(accept);
    return w.call(std::move(r));
  };
  const std::string table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  auto list = ask(deployments, table);
  BOOST_TEST(list.at("kind") == "Table");
  BOOST_TEST(string_at(array_at(list.value, "columnDefinitions").at(1), "name") == "Ready");
  const auto& row = array_at(list.value, "rows").at(0);
  BOOST_TEST(array_at(row, "cells").at(0).get_string() == "web");
  BOOST_TEST(array_at(row, "cells").at(1).get_string() == "0/2");
  BOOST_TEST(string_at(row, "object.kind") == "PartialObjectMetadata");
  BOOST_TEST(string_at(row, "object.metadata.name") == "web");
  auto one = ask(deployments + "/web?includeObject=Object", table);
  BOOST_TEST(string_at(array_at(one.value, "rows").at(0), "object.kind") == "Deployment");
  auto metadata = ask(deployments, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
  BOOST_TEST(metadata.at("kind") == "PartialObjectMetadataList");
  BOOST_TEST(find(array_at(metadata.value, "items").at(0), "spec") == nullptr);
  BOOST_TEST(ask(deployments, "application/vnd.kubernetes.protobuf,application/json").at("kind") == "DeploymentList");
  BOOST_TEST(ask(deployments, "application/vnd.kubernetes.protobuf").code == 406);
}

BOOST_AUTO_TEST_CASE(a_watch_tells_each_change_once_and_in_order) {
  api_world w;
  w.must(201, "POST", maps, config_map("a"));
  auto from = std::string{w.must(200, "GET", maps).at("metadata.resourceVersion")};
  auto fresh = w.stream(maps + "?watch=1");
  BOOST_TEST(await(*fresh, "ADDED a\n"));
  w.must(201, "POST", maps, config_map("b"));
  w.must(200, "PATCH", maps + "/a", R"({"data":{"a":"2"}})", "application/merge-patch+json");
  w.must(200, "DELETE", maps + "/b");
  w.must(201, "POST", "/api/v1/namespaces/kube-system/configmaps", config_map("elsewhere"));
  BOOST_TEST(await(*fresh, "ADDED a\nADDED b\nMODIFIED a\nDELETED b\n"));
  auto replay = w.stream(maps + "?watch=true&resourceVersion=" + from);
  BOOST_TEST(await(*replay, "ADDED b\nMODIFIED a\nDELETED b\n"));
  auto old_form = w.stream("/api/v1/watch/namespaces/default/configmaps?resourceVersion=" + from);
  BOOST_TEST(await(*old_form, "ADDED b\nMODIFIED a\nDELETED b\n"));
}

BOOST_AUTO_TEST_CASE(objects_enter_and_leave_a_selection) {
  api_world w;
  // From a revision: a watch without one begins with what is there when it gets to look.
  auto from = std::string{w.must(200, "GET", maps).at("metadata.resourceVersion")};
  auto watch = w.stream(maps + "?watch=1&labelSelector=on&resourceVersion=" + from);
  auto label = [&](const char* v) {
    w.must(200, "PATCH", maps + "/a", std::string{R"({"metadata":{"labels":{"on":)"} + v + "}}}",
           "application/merge-patch+json");
  };
  w.must(201, "POST", maps, config_map("a"));
  label("\"1\"");
  label("\"2\"");
  label("null");
  w.must(200, "DELETE", maps + "/a");
  w.must(201, "POST", maps, config_map("b", R"("data":{})", R"(,"labels":{"on":"1"})"));
  BOOST_TEST(await(*watch, "ADDED a\nMODIFIED a\nDELETED a\nADDED b\n"));
}

BOOST_AUTO_TEST_CASE(bookmarks_and_the_end_of_the_initial_events) {
  api_world w;
  w.must(201, "POST", maps, config_map("a"));
  auto watch = w.stream(
      maps +
      "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1");
  BOOST_TEST(await(*watch, "ADDED a\nBOOKMARK \nBOOKMARK \n"));  // the second at the end of its second
  BOOST_TEST(watch->text.find(R"("k8s.io/initial-events-end":"true")") != std::string::npos);
  BOOST_TEST(watch->wait([&] { return watch->done; }));
  w.must(400, "GET", maps + "?watch=1&sendInitialEvents=true");
}

BOOST_AUTO_TEST_CASE(a_watch_from_the_compacted_past_says_so) {
  api_world w{store::history_options{.events_max = 4}};
  for (int i = 0; i < 40; ++i) w.must(201, "POST", maps, config_map("m" + std::to_string(i)));
  auto watch = w.stream(maps + "?watch=1&resourceVersion=3");
  BOOST_REQUIRE(watch->wait([&] { return watch->done; }));
  BOOST_TEST(watch->text.starts_with(R"({"type":"ERROR","object":{"kind":"Status")"));
  BOOST_TEST(watch->text.find("\"code\":410") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_watch_ends_with_its_client_and_with_the_store) {
  api_world w;
  auto left = w.stream(maps + "?watch=1"), slow = w.stream(maps + "?watch=1"), kept = w.stream(maps + "?watch=1");
  for (auto* e : {&left, &slow, &kept}) BOOST_REQUIRE((*e)->wait([&] { return static_cast<bool>((*e)->on_closed); }));
  w.must(201, "POST", maps, config_map("a"));
  BOOST_TEST(await(*kept, "ADDED a\n"));
  // The hub of their resource has them all, once their starters are done.
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (w.directory.list("/cloud/api/watches/").size() != 1 && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  BOOST_TEST(w.directory.list("/cloud/api/watches/").size() == 1u);
  left->on_closed();
  {
    std::lock_guard lock{slow->mutex};
    slow->gone = true;
  }
  w.must(201, "POST", maps, config_map("b"));
  BOOST_TEST(await(*kept, "ADDED a\nADDED b\n"));
  BOOST_TEST(slow->wait([&] { return slow->done; }));
  w.stop(w.store);
  BOOST_TEST(kept->wait([&] { return kept->done; }));
  w.start_store();
}

BOOST_AUTO_TEST_CASE(discovery_names_all_that_is_served) {
  api_world w;
  auto core = w.must(200, "GET", "/api/v1");
  BOOST_TEST(core.at("kind") == "APIResourceList");
  bool found = false;
  for (const auto& r : array_at(core.value, "resources"))
    if (string_at(r, "name") == "pods") {
      found = true;
      BOOST_TEST(array_at(r, "shortNames").at(0).get_string() == "po");
      BOOST_TEST(array_at(r, "verbs").size() == 8u);
    }
  BOOST_TEST(found);
  BOOST_TEST(array_at(w.must(200, "GET", "/apis").value, "groups").size() >= 3u);
  BOOST_TEST(w.must(200, "GET", "/apis/apps").at("preferredVersion.version") == "v1");
  w.must(404, "GET", "/apis/none");
  auto r = api_world::request("GET", "/apis");
  r.accept =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/"
      "json;g=apidiscovery.k8s.io;v=v2beta1;"
      "as=APIGroupDiscoveryList,application/json";
  auto aggregated = w.call(r);
  BOOST_TEST(aggregated.at("kind") == "APIGroupDiscoveryList");
  BOOST_TEST(aggregated.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  BOOST_TEST(w.must(200, "GET", "/version").at("gitVersion").starts_with("v1.36.0+skerry"));
  auto v3 = w.must(200, "GET", "/openapi/v3/apis/apps/v1");
  auto patch = object_at(v3.value, "paths").at("/apis/apps/v1/namespaces/{namespace}/deployments/{name}").at("patch");
  BOOST_TEST(string_at(array_at(patch, "parameters").at(1), "name") == "fieldValidation");
  w.must(404, "GET", "/openapi/v3/apis/none/v1");
  w.must(200, "GET", "/openapi/v2");
  BOOST_TEST(w.call("GET", "/readyz?verbose").text.ends_with("readyz check passed\n"));
}

BOOST_AUTO_TEST_SUITE_END()
