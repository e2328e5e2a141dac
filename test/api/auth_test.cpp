// Who asks, and what they may.
#include "test/api/manifests.hpp"
#include "test/api/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {
ports::http_request as(std::string name, std::vector<std::string> groups, std::string method, std::string target,
                       std::string body = {}) {
  auto r = api_world::request(std::move(method), std::move(target), std::move(body));
  r.peer.common_name = std::move(name);
  r.peer.organizations = std::move(groups);
  return r;
}
ports::http_request bearing(std::string token, std::string method, std::string target) {
  auto r = as("", {}, std::move(method), std::move(target));
  if (!token.empty()) r.authorization = "Bearer " + token;
  return r;
}
api::front_options options() {
  api::front_options o;
  o.tokens.push_back({"let-me-look-0123456789", "viewer", {"viewers"}});
  o.tokens.push_back({"let-me-write-0123456789", "editor", {"editors"}});
  o.grants = {{"viewers", false}, {"editors", true}};
  return o;
}
std::string bootstrap(const std::string& id, const std::string& rest) {
  return R"({"apiVersion":"v1","kind":"Secret","type":"bootstrap.kubernetes.io/token","metadata":{"name":"bootstrap-token-)" +
         id + R"("},"stringData":{"token-id":")" + id + R"(","token-secret":"0123456789abcdef")" + rest + "}}";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(api_auth)

BOOST_AUTO_TEST_CASE(certificates_tokens_and_nobody) {
  api_world w{{}, options()};
  BOOST_TEST(w.call(as("admin", {"system:masters"}, "GET", maps)).code == 200);
  auto node = w.call(as("system:node:n1", {"system:nodes"}, "GET", maps));
  BOOST_TEST(node.code == 403);
  BOOST_TEST(node.at("reason") == "Forbidden");
  BOOST_TEST(
      node.at("message") ==
      "configmaps is forbidden: User \"system:node:n1\" cannot list resource \"configmaps\" in API group \"\" in the "
      "namespace \"default\"");
  auto nobody = w.call(bearing("", "GET", maps));
  BOOST_TEST(nobody.code == 401);
  BOOST_TEST(nobody.at("reason") == "Unauthorized");
  BOOST_TEST(nobody.headers.find("WWW-Authenticate") != std::string::npos);
  BOOST_TEST(w.call(bearing("wrong", "GET", maps)).code == 401);
  BOOST_TEST(w.call(bearing("let-me-look-0123456789", "GET", maps)).code == 200);
  BOOST_TEST(w.call(bearing("let-me-look-0123456789", "GET", "/api/v1/namespaces/default/secrets")).code == 403);
  BOOST_TEST(w.call(bearing("let-me-look-0123456789", "DELETE", maps + "/a")).code == 403);
  BOOST_TEST(w.call(bearing("let-me-write-0123456789", "DELETE", maps + "/a")).code == 404);
  for (const char* open : {"/healthz", "/livez", "/readyz", "/version"})
    BOOST_TEST(w.call(bearing("", "GET", open)).code == 200);
  BOOST_TEST(w.call(bearing("", "GET", "/api")).code == 401);
  auto basic = bearing("", "GET", maps);
  basic.authorization = "Basic YTpi";
  BOOST_TEST(w.call(basic).code == 401);
}

BOOST_AUTO_TEST_CASE(bootstrap_tokens_are_known_until_they_expire) {
  api_world w;
  auto secrets = "/api/v1/namespaces/kube-system/secrets";
  w.must(201, "POST", secrets,
         bootstrap("abcdef", R"(,"usage-bootstrap-authentication":"true","expiration":"2999-01-01T00:00:00Z")"));
  w.must(201, "POST", secrets,
         bootstrap("oldold", R"(,"usage-bootstrap-authentication":"true","expiration":"2020-01-01T00:00:00Z")"));
  w.must(201, "POST", secrets, bootstrap("signer", R"(,"usage-bootstrap-signing":"true")"));
  auto known = w.call(bearing("abcdef.0123456789abcdef", "GET", maps));
  BOOST_TEST(known.code == 403);  // known, and may nothing here
  BOOST_TEST(known.at("message").find("system:bootstrap:abcdef") != std::string_view::npos);
  for (const char* bad :
       {"abcdef.0123456789abcdee", "oldold.0123456789abcdef", "signer.0123456789abcdef", "nobody.0123456789abcdef"})
    BOOST_TEST(w.call(bearing(bad, "GET", maps)).code == 401);
}

BOOST_AUTO_TEST_CASE(reviews_say_who_one_is_and_what_one_may) {
  api_world w{{}, options()};
  auto path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  auto ask =
      R"({"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"resourceAttributes":{"verb":"create","resource":"pods","namespace":"default"}}})";
  BOOST_TEST(bool_at(w.must(201, "POST", path, ask).value, "status.allowed"));
  auto r = bearing("let-me-look-0123456789", "POST", path);
  r.body = ask;
  auto no = w.call(r);
  BOOST_TEST(no.code == 201);
  BOOST_TEST(!bool_at(no.value, "status.allowed", true));
  auto me = w.must(201, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                   R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"})");
  BOOST_TEST(me.at("status.userInfo.username") == "admin");
  auto of =
      w.must(201, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
             R"({"spec":{"user":"x","groups":["viewers"],"resourceAttributes":{"verb":"list","resource":"pods"}}})");
  BOOST_TEST(bool_at(of.value, "status.allowed"));
}

BOOST_AUTO_TEST_SUITE_END()
