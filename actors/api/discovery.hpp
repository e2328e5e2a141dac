#pragma once
#include <map>
#include <memory>
#include <string>

#include "schema/kube/registry.hpp"

namespace skerry::api {

/// The discovery documents, made once from the registry: what there is, and under which path.
class discovery {
public:
  using text = std::shared_ptr<const std::string>;

  explicit discovery(const kube::registry& registry);

  text versions() const { return versions_; }  ///< /api: APIVersions
  text groups() const { return groups_; }      ///< /apis: APIGroupList
  /// /apis/<group>: APIGroup; nothing if it is not served.
  text group(const std::string& name) const;
  /// /api/v1, /apis/<group>/<version>: APIResourceList; `group_version` is "v1", "apps/v1".
  text resources(const std::string& group_version) const;
  /// /api (`core`) or /apis as an APIGroupDiscoveryList of apidiscovery.k8s.io/`version` ("v2", "v2beta1").
  text aggregated(bool core, const std::string& version) const;

private:
  text versions_, groups_;
  std::map<std::string, text> group_, resources_, aggregated_;
};

}  // namespace skerry::api
