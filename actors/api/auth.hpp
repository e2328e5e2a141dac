#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/api/target.hpp"
#include "actors/ports/http.hpp"
#include "actors/store/view.hpp"

namespace skerry::api {

/// Who asks.
struct user {
  std::string name = "system:anonymous";
  std::vector<std::string> groups;
  bool anonymous() const { return name == "system:anonymous"; }
  bool in(std::string_view group) const;
};

/// A bearer token that is known from the start. Never logged.
struct static_token {
  std::string token, user;
  std::vector<std::string> groups;
};

/// A grant to a group: everything, or reading alone.
struct grant {
  std::string group;
  bool write = false;
};

/// What a request wants to do, in Kubernetes' words.
struct wish {
  std::string_view verb;  ///< get, list, watch, create, update, patch, delete, deletecollection
  std::string group, resource, subresource, ns, name;
};

/// Finds out who a request is from: the client certificate (CN is the user, each O a group), a static bearer token, or
/// a bootstrap token (Secret bootstrap-token-<id> in kube-system; user system:bootstrap:<id>, group
/// system:bootstrappers). Nothing for credentials that are wrong; the anonymous user for none at all. A certificate
/// goes before a token. Tokens are compared in constant time.
std::optional<user> authenticate(const ports::http_request& request, const std::vector<static_token>& tokens,
                                 const store::view& view, int64_t now_ms);

/// True if `who` may. system:masters everything; others what the grants give to their groups and what the RBAC objects
/// of the view bind them to (rbac.hpp), but to write those objects: whoever may do that could give itself any right.
/// Anonymous users nothing but health and version, which the front answers before it asks here.
bool authorized(const user& who, const wish& w, const std::vector<grant>& grants, const store::view& view);

/// `User "x" cannot list resource "pods" in API group "" in the namespace "default"`.
std::string refusal(const user& who, const wish& w);

}  // namespace skerry::api
