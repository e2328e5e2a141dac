#include "actors/api/auth.hpp"

#include <algorithm>

#include "actors/api/base64.hpp"
#include "actors/api/rbac.hpp"
#include "schema/json.hpp"

namespace skerry::api {
namespace {

bool same(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() != b.size();
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference =
        static_cast<unsigned char>(difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  return difference == 0;
}

/// Tokens of the form "<6>.<16>" in [a-z0-9] (Kubernetes, "Authenticating with Bootstrap Tokens").
std::optional<user> bootstrap_user(std::string_view token, const store::view& view, int64_t now_ms) {
  if (token.size() != 23 || token[6] != '.') return std::nullopt;
  auto id = std::string{token.substr(0, 6)};
  auto o = view.get("secrets", "kube-system", "bootstrap-token-" + id);
  if (!o) return std::nullopt;
  auto secret = store::parse(o);
  if (string_at(secret, "type") != "bootstrap.kubernetes.io/token") return std::nullopt;
  const auto& data = object_at(secret, "data");
  auto value = [&](std::string_view key) {
    const auto* v = data.if_contains(json::string_view{key.data(), key.size()});
    return v != nullptr && v->is_string() ? decode_base64({v->get_string().data(), v->get_string().size()}).value_or("")
                                          : std::string{};
  };
  if (!string_at(secret, "metadata.deletionTimestamp").empty()) return std::nullopt;
  if (value("token-id") != id || !same(value("token-secret"), token.substr(7))) return std::nullopt;
  if (value("usage-bootstrap-authentication") != "true") return std::nullopt;
  if (auto until = value("expiration"); !until.empty() && parse_time(until).value_or(0) <= now_ms) return std::nullopt;
  return user{"system:bootstrap:" + id, {"system:bootstrappers", "system:authenticated"}};
}

bool reads(std::string_view verb) { return verb == "get" || verb == "list" || verb == "watch"; }

}  // namespace

bool user::in(std::string_view group) const { return std::find(groups.begin(), groups.end(), group) != groups.end(); }

std::optional<user> authenticate(const ports::http_request& request, const std::vector<static_token>& tokens,
                                 const store::view& view, int64_t now_ms) {
  if (!request.peer.common_name.empty()) {
    user who{request.peer.common_name, request.peer.organizations};
    who.groups.emplace_back("system:authenticated");
    return who;
  }
  if (request.authorization.empty()) return user{"system:anonymous", {"system:unauthenticated"}};
  constexpr std::string_view scheme = "Bearer ";
  std::string_view token = request.authorization;
  if (token.size() <= scheme.size() || (token[0] | 0x20) != 'b' || token.substr(1, 6) != scheme.substr(1))
    return std::nullopt;
  token.remove_prefix(scheme.size());
  for (const auto& t : tokens)
    if (!t.token.empty() && same(t.token, token)) {
      user who{t.user, t.groups};
      who.groups.emplace_back("system:authenticated");
      return who;
    }
  return bootstrap_user(token, view, now_ms);
}

bool authorized(const user& who, const wish& w, const std::vector<grant>& grants, const store::view& view) {
  if (who.in("system:masters")) return true;
  if (!who.anonymous() && w.group == "authorization.k8s.io" && w.resource == "selfsubjectaccessreviews") return true;
  bool granted = std::any_of(grants.begin(), grants.end(), [&](const grant& g) {
    return who.in(g.group) && (g.write || (reads(w.verb) && w.resource != "secrets"));
  });
  if (granted || who.anonymous()) return granted;
  return (w.group != "rbac.authorization.k8s.io" || reads(w.verb)) && rbac_allows(view, who, w);
}

std::string refusal(const user& who, const wish& w) {
  auto text = "User \"" + who.name + "\" cannot " + std::string{w.verb} + " resource \"" + w.resource +
              (w.subresource.empty() ? "" : "/" + w.subresource) + "\" in API group \"" + w.group + "\"";
  return text + (w.ns.empty() ? " at the cluster scope" : " in the namespace \"" + w.ns + "\"");
}

}  // namespace skerry::api
