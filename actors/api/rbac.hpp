#pragma once
#include <functional>

#include "actors/api/auth.hpp"

namespace skerry::api {

/// Calls `visit` with each rule (rbac/v1 PolicyRule) that binds a user in a namespace (empty: of the whole cluster),
/// until it returns false: ClusterRoles by ClusterRoleBindings; Roles and ClusterRoles by the RoleBindings of the
/// namespace. Bindings to a role that is not there bind nothing. (Kubernetes, "Using RBAC Authorization"; no
/// aggregation.)
void visit_rules(const store::view& v, const user& who, std::string_view ns,
                 const std::function<bool(const json::value& rule)>& visit);

/// Does some rule let `who` do `w`?
bool rbac_allows(const store::view& v, const user& who, const wish& w);

}  // namespace skerry::api
