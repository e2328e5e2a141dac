// What is wrong with a request, and what its sender is told: one table.
#include "schema/limits.hpp"
#include "test/api/manifests.hpp"
#include "test/api/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {
struct bad {
  const char* what;
  std::string method, target, body, type;
  int code;
  const char* reason;
  const char* words;  ///< that the message must hold
};
const std::string json_type = "application/json", merge = "application/merge-patch+json",
                  operations = "application/json-patch+json", strategic = "application/strategic-merge-patch+json";
const std::string strict = "?fieldValidation=Strict";
const bad table[] = {
    {"empty body", "POST", maps, "", json_type, 400, "BadRequest", "empty"},
    {"malformed", "POST", maps, "{\"a\":1,\n  \"b\" 2}", json_type, 400, "BadRequest", "line 2, column"},
    {"cut short", "POST", maps, R"({"kind":"ConfigMap")", json_type, 400, "BadRequest", "line 1"},
    {"two documents", "POST", maps, "{} {}", json_type, 400, "BadRequest", "line 1"},
    {"not an object", "POST", maps, "[1]", json_type, 400, "BadRequest", "not an object"},
    {"too deep", "POST", maps, std::string(100'000, '['), json_type, 400, "BadRequest", "line 1"},
    {"not UTF-8", "POST", maps, config_map("\xff\xfe"), json_type, 400, "BadRequest", "line 1"},
    {"malformed YAML", "POST", maps, "kind: ConfigMap\nmetadata:\n  name: a\n bad: [", "application/yaml", 400,
     "BadRequest", "line 4"},
    {"YAML bomb", "POST", maps,
     "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
     "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n",
     "application/yaml", 400, "BadRequest", "grows beyond"},
    {"form", "POST", maps, "a=b", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType", "application/json"},
    {"protobuf that is none", "POST", maps, "k8s", "application/vnd.kubernetes.protobuf", 400, "BadRequest", "prefix"},
    {"protobuf cut short", "POST", maps, std::string("k8s\0\x0a\x7f", 6), "application/vnd.kubernetes.protobuf", 400,
     "BadRequest", "malformed"},
    {"wrong kind", "POST", maps, deployment("x"), json_type, 400, "BadRequest", "Deployment"},
    {"unknown field, strict", "POST", deployments + strict, deployment("x", R"(,"replicaz":3)"), json_type, 400,
     "BadRequest", "strict decoding error: unknown field \"spec.replicaz\""},
    {"duplicate field, strict", "POST", maps + strict, config_map("x", R"("data":{"a":"1"},"data":{"a":"2"})"),
     json_type, 400, "BadRequest", "duplicate field \"data\""},
    {"fieldValidation", "POST", maps + "?fieldValidation=Maybe", config_map("x"), json_type, 422, "Invalid",
     "\"Strict\""},
    {"wrong type", "POST", deployments, deployment("x", R"(,"paused":"yes")"), json_type, 400, "BadRequest",
     "spec.paused"},
    {"wrong type in a map", "POST", maps, config_map("x", R"("data":{"a":1})"), json_type, 400, "BadRequest", "data"},
    {"no name", "POST", maps, R"({"apiVersion":"v1","kind":"ConfigMap"})", json_type, 422, "Invalid", "name"},
    {"bad name", "POST", maps, config_map("Web_1"), json_type, 422, "Invalid", "metadata.name"},
    {"long name", "POST", maps, config_map(std::string(300, 'a')), json_type, 422, "Invalid", "metadata.name"},
    {"bad label", "POST", maps, config_map("x", R"("data":{})", R"(,"labels":{"a":"b c"})"), json_type, 422, "Invalid",
     "metadata.labels"},
    {"other namespace", "POST", maps, config_map("x", R"("data":{})", R"(,"namespace":"kube-system")"), json_type, 400,
     "BadRequest", "does not match the namespace"},
    {"no selector", "POST", deployments,
     R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})",
     json_type, 422, "Invalid", "spec.selector"},
    {"names differ", "PUT", maps + "/keep", config_map("other"), json_type, 400, "BadRequest",
     "does not match the name on the URL"},
    {"put of nothing", "PUT", maps + "/none", config_map("none"), json_type, 404, "NotFound",
     "configmaps \"none\" not found"},
    {"put with another uid", "PUT", maps + "/keep", config_map("keep", R"("data":{})", R"(,"uid":"x")"), json_type, 409,
     "Conflict", "UID in precondition"},
    {"immutable selector", "PATCH", deployments + "/web", R"({"spec":{"selector":{"matchLabels":{"app":"x"}}}})", merge,
     422, "Invalid", "spec.selector"},
    {"patch type", "PATCH", maps + "/keep", "{}", json_type, 415, "UnsupportedMediaType",
     "application/json-patch+json"},
    {"server-side apply", "PATCH", maps + "/keep", "{}", "application/apply-patch+yaml", 415, "UnsupportedMediaType",
     "--server-side"},
    {"patch does not parse", "PATCH", maps + "/keep", "{", merge, 400, "BadRequest", "line 1"},
    {"merge patch that is a list", "PATCH", maps + "/keep", "[]", merge, 400, "BadRequest", "JSON object"},
    {"JSON patch that is an object", "PATCH", maps + "/keep", "{}", operations, 400, "BadRequest", "array"},
    {"test fails", "PATCH", maps + "/keep", R"([{"op":"test","path":"/data/a","value":"x"}])", operations, 422,
     "Invalid", "0"},
    {"patch of no such path", "PATCH", maps + "/keep", R"([{"op":"remove","path":"/x/y"}])", operations, 422, "Invalid",
     "/x/y"},
    {"patch to a wrong type", "PATCH", maps + "/keep", R"({"data":"x"})", merge, 400, "BadRequest", "data"},
    {"item without its key", "PATCH", deployments + "/web",
     R"({"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}})", strategic, 422, "Invalid", "containers"},
    {"limit", "GET", maps + "?limit=many", "", "", 400, "BadRequest", "limit"},
    {"continue", "GET", maps + "?continue=garbage!", "", "", 400, "BadRequest", "continue"},
    {"revision", "GET", maps + "?watch=1&resourceVersion=x", "", "", 400, "BadRequest", "resourceVersion"},
    {"timeout", "GET", maps + "?timeoutSeconds=x", "", "", 400, "BadRequest", "timeoutSeconds"},
    {"label selector", "GET", maps + "?labelSelector=a%20in", "", "", 400, "BadRequest", "labelSelector"},
    {"field selector", "GET", maps + "?fieldSelector=spec.x%3Dy", "", "", 400, "BadRequest", "spec.x"},
    {"revision of the future", "GET", maps + "?resourceVersion=99999", "", "", 504, "Timeout",
     "Too large resource version"},
    {"no such path", "GET", "/api/v9/pods", "", "", 404, "NotFound", "could not find"},
    {"no such resource", "GET", "/api/v1/things", "", "", 404, "NotFound", "could not find"},
    {"no such subresource", "GET", maps + "/keep/scale", "", "", 404, "NotFound", "could not find"},
    {"method", "POST", maps + "/keep", config_map("keep"), json_type, 405, "MethodNotAllowed", "does not allow"},
    {"method of a document", "DELETE", "/api", "", "", 405, "MethodNotAllowed", "does not allow"},
    {"unknown method", "BREW", maps, "", "", 405, "MethodNotAllowed", "does not allow"},
    {"create over all namespaces", "POST", "/api/v1/configmaps", config_map("x"), json_type, 405, "MethodNotAllowed",
     "allow"},
    {"delete options of another kind", "DELETE", maps + "/keep", config_map("x"), json_type, 400, "BadRequest",
     "DeleteOptions"},
    {"object over the limit", "POST", maps,
     config_map("big", R"("data":{"a":")" + std::string(limits::object_bytes_max, 'x') + "\"}"), json_type, 0, "", ""},
};
}  // namespace

BOOST_AUTO_TEST_SUITE(api_bad_input)

BOOST_AUTO_TEST_CASE(each_gets_an_error_that_says_what_is_wrong) {
  api_world w;
  w.must(201, "POST", maps, config_map("keep"));
  w.must(201, "POST", deployments, deployment("web"));
  for (const auto& b : table) {
    BOOST_TEST_CONTEXT(b.what) {
      auto a = w.call(b.method, b.target, b.body, b.type);
      BOOST_TEST_CONTEXT(a.text.substr(0, 400)) {
        if (b.code == 0) {
          BOOST_TEST((a.code == 413 || a.code == 422));
          continue;
        }
        BOOST_TEST(a.code == b.code);
        BOOST_TEST(a.at("kind") == "Status");
        BOOST_TEST(a.at("reason") == b.reason);
        BOOST_TEST(int_at(a.value, "code") == b.code);
        BOOST_TEST((a.at("message").find(b.words) != std::string_view::npos));
      }
    }
  }
  // Nothing of all that did anything.
  BOOST_TEST(w.must(200, "GET", maps + "/keep").at("data.a") == "1");
  BOOST_TEST(array_at(w.must(200, "GET", maps).value, "items").size() == 1u);
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_warned_of_or_ignored) {
  api_world w;
  auto body = deployment("web", R"(,"replicaz":3)");
  auto warned = w.must(201, "POST", deployments + "?dryRun=All", body);
  BOOST_TEST(warned.headers == "Warning: 299 - \"unknown field \\\"spec.replicaz\\\"\"\n");
  auto ignored = w.must(201, "POST", deployments + "?fieldValidation=Ignore&dryRun=All", body);
  BOOST_TEST(ignored.headers == "");
  // A field that is stored already is nobody's fault.
  w.must(201, "POST", deployments + "?fieldValidation=Ignore", body);
  auto patched = w.must(200, "PATCH", deployments + "/web?fieldValidation=Strict", R"({"spec":{"replicas":1}})", merge);
  BOOST_TEST(patched.headers == "");
  auto refused = w.must(400, "PATCH", deployments + "/web?fieldValidation=Strict", R"({"spec":{"foo":1}})", merge);
  BOOST_TEST(refused.at("message").find("spec.foo") != std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(yaml_is_taken) {
  api_world w;
  auto a = w.must(201, "POST", maps,
                  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\nimmutable: false\ndata:\n  a: 'yes'\n  b: "
                  "\"1\"\n  c: |\n    x\n",
                  "application/yaml");
  BOOST_TEST(a.at("data.a") == "yes");
  BOOST_TEST(a.at("data.b") == "1");
  BOOST_TEST(a.at("data.c") == "x\n");
  BOOST_TEST(!bool_at(a.value, "immutable", true));
}

BOOST_AUTO_TEST_CASE(causes_name_each_broken_rule) {
  api_world w;
  auto a = w.must(
      422, "POST", deployments,
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"replicas":-1,"selector":{"matchLabels":{"a":"b"}},)"
      R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"image":"i"}]}}}})");
  const auto& causes = array_at(a.value, "details.causes");
  BOOST_REQUIRE(causes.size() >= 2u);
  std::string fields;
  for (const auto& c : causes) fields += std::string{string_at(c, "field")} + " ";
  BOOST_TEST(fields.find("spec.replicas") != std::string::npos);
  BOOST_TEST(fields.find("containers[0].name") != std::string::npos);
  BOOST_TEST(a.at("message").starts_with("Deployment.apps \"x\" is invalid: "));
  BOOST_TEST(a.at("details.kind") == "Deployment");
}

BOOST_AUTO_TEST_SUITE_END()
