#include "actors/api/review.hpp"

#include <boost/json/serialize.hpp>

#include "actors/api/body.hpp"
#include "actors/api/rbac.hpp"

namespace skerry::api {
namespace {

json::object user_info(const user& who) {
  json::array groups;
  for (const auto& g : who.groups) groups.emplace_back(g);
  return {{"username", who.name}, {"groups", std::move(groups)}};
}

json::object decide(const user& who, const json::value& spec, const review_basis& by) {
  wish w;
  if (const auto* path = find(spec, "nonResourceAttributes"); path != nullptr) {
    auto at = string_at(*path, "path");
    auto open = at == "/healthz" || at == "/livez" || at == "/readyz" || at == "/version";
    auto allowed = open || !who.anonymous();
    return {{"allowed", allowed}};
  }
  w.verb = string_at(spec, "resourceAttributes.verb");
  w.group = string_at(spec, "resourceAttributes.group");
  w.resource = string_at(spec, "resourceAttributes.resource");
  w.subresource = string_at(spec, "resourceAttributes.subresource");
  w.ns = string_at(spec, "resourceAttributes.namespace");
  w.name = string_at(spec, "resourceAttributes.name");
  auto allowed = authorized(who, w, by.grants, by.view);
  json::object status{{"allowed", allowed}};
  if (!allowed) status["reason"] = refusal(who, w);
  return status;
}

json::object rules(const user& who, std::string_view ns, const review_basis& by) {
  json::array resources, paths;
  auto add = [&](json::array verbs) {
    resources.push_back(
        json::object{{"verbs", std::move(verbs)}, {"apiGroups", json::array{"*"}}, {"resources", json::array{"*"}}});
  };
  if (who.in("system:masters")) add({"*"});
  for (const auto& g : by.grants)
    if (who.in(g.group)) add(g.write ? json::array{"*"} : json::array{"get", "list", "watch"});
  visit_rules(by.view, who, ns, [&](const json::value& rule) {
    resources.push_back(rule);
    return true;
  });
  paths.push_back(
      json::object{{"verbs", json::array{"get"}},
                   {"nonResourceURLs", json::array{"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez",
                                                   "/openapi", "/openapi/*", "/readyz", "/version"}}});
  return {{"resourceRules", std::move(resources)}, {"nonResourceRules", std::move(paths)}, {"incomplete", false}};
}

}  // namespace

std::variant<reply, failure> review(std::string_view group, std::string_view plural, const user& who,
                                    const ports::http_request& request, const review_basis& by,
                                    const body_readers& readers) {
  auto parsed = parse_object(request, readers);
  if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
  auto& v = std::get<json::value>(parsed);
  const json::value none = json::object{};
  const auto* spec = find(v, "spec");
  json::object status;
  if (group == "authentication.k8s.io" && plural == "selfsubjectreviews") {
    status = {{"userInfo", user_info(who)}};
  } else if (group == "authorization.k8s.io" && plural == "selfsubjectaccessreviews") {
    status = decide(who, spec != nullptr ? *spec : none, by);
  } else if (group == "authorization.k8s.io" && plural == "selfsubjectrulesreviews") {
    status = rules(who, spec != nullptr ? string_at(*spec, "namespace") : std::string_view{}, by);
  } else if (group == "authorization.k8s.io" && plural == "subjectaccessreviews") {
    wish w{"create", "authorization.k8s.io", "subjectaccessreviews", {}, {}, {}};
    if (!authorized(who, w, by.grants, by.view)) {
      failure f = bad_request("subjectaccessreviews.authorization.k8s.io is forbidden: " + refusal(who, w));
      f.code = 403;
      f.reason = "Forbidden";
      return f;
    }
    user asked{std::string{string_at(v, "spec.user")}, {}};
    for (const auto& g : array_at(v, "spec.groups"))
      if (g.is_string()) asked.groups.emplace_back(g.get_string().data(), g.get_string().size());
    status = decide(asked, spec != nullptr ? *spec : none, by);
  } else {
    return no_such_path();
  }
  v.get_object()["status"] = std::move(status);
  reply r;
  r.code = 201;
  r.body.emplace_back(json::serialize(v) + "\n");
  return r;
}

}  // namespace skerry::api
