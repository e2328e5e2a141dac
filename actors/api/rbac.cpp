#include "actors/api/rbac.hpp"

#include <algorithm>

#include "schema/json.hpp"

namespace skerry::api {
namespace {

constexpr std::string_view cluster_roles = "clusterroles.rbac.authorization.k8s.io";
constexpr std::string_view cluster_bindings = "clusterrolebindings.rbac.authorization.k8s.io";
constexpr std::string_view roles = "roles.rbac.authorization.k8s.io";
constexpr std::string_view bindings = "rolebindings.rbac.authorization.k8s.io";

std::string_view text(const json::value& v) {
  return v.is_string() ? std::string_view{v.get_string().data(), v.get_string().size()} : std::string_view{};
}

bool names(const json::value& binding, const user& who) {
  const auto& subjects = array_at(binding, "subjects");
  return std::any_of(subjects.begin(), subjects.end(), [&](const json::value& s) {
    auto kind = string_at(s, "kind");
    auto name = string_at(s, "name");
    if (kind == "User") return name == who.name;
    if (kind == "Group") return who.in(name);
    if (kind != "ServiceAccount") return false;
    return who.name == "system:serviceaccount:" + std::string{string_at(s, "namespace")} + ":" + std::string{name};
  });
}

bool has(const json::value& rule, std::string_view list, std::string_view wanted) {
  const auto& values = array_at(rule, list);
  return std::any_of(values.begin(), values.end(), [&](const json::value& v) {
    auto x = text(v);
    return x == "*" || x == wanted;
  });
}

bool covers(const json::value& rule, const wish& w) {
  if (!has(rule, "verbs", w.verb) || !has(rule, "apiGroups", w.group)) return false;
  auto full = w.subresource.empty() ? w.resource : w.resource + "/" + w.subresource;
  if (!has(rule, "resources", full) && (w.subresource.empty() || !has(rule, "resources", "*/" + w.subresource)))
    return false;
  const auto& only = array_at(rule, "resourceNames");
  return only.empty() || std::any_of(only.begin(), only.end(),
                                     [&](const json::value& v) { return !w.name.empty() && text(v) == w.name; });
}

/// Visits the rules of the role that a binding refers to; false if `visit` had enough.
bool visit_role(const store::view& v, const json::value& binding, std::string_view ns,
                const std::function<bool(const json::value&)>& visit) {
  bool in_namespace = string_at(binding, "roleRef.kind") == "Role";
  auto role = v.get(in_namespace ? roles : cluster_roles, in_namespace ? ns : "", string_at(binding, "roleRef.name"));
  if (!role) return true;
  auto value = store::parse(role);
  for (const auto& rule : array_at(value, "rules"))
    if (!visit(rule)) return false;
  return true;
}

}  // namespace

void visit_rules(const store::view& v, const user& who, std::string_view ns,
                 const std::function<bool(const json::value& rule)>& visit) {
  bool more = true;
  auto of = [&](const store::object& o) {
    auto binding = store::parse(o);
    if (names(binding, who)) more = visit_role(v, binding, ns, visit);
    return more;
  };
  v.scan(cluster_bindings, "", "", of);
  if (more && !ns.empty()) v.scan(bindings, ns, "", of);
}

bool rbac_allows(const store::view& v, const user& who, const wish& w) {
  bool allowed = false;
  visit_rules(v, who, w.ns, [&](const json::value& rule) { return !(allowed = covers(rule, w)); });
  return allowed;
}

}  // namespace skerry::api
