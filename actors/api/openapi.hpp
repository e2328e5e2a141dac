#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "schema/kube/registry.hpp"

namespace skerry::api {

/// The OpenAPI documents that clients ask for, made from the registry when first asked.
///
/// v3 has, for each group and version, the schemas of its kinds and of all types below them, and the paths with the
/// query parameters that say what the server does (kubectl looks there for fieldValidation, and `kubectl explain` reads
/// the schemas). v2 names paths and parameters but no definitions: old kubectls check manifests against those on their
/// own side; without any they leave it to the server, which warns of unknown fields.
class open_api {
public:
  using text = std::shared_ptr<const std::string>;

  open_api(const kube::registry& registry, std::string version);
  text index() const { return index_; }
  /// "api/v1", "apis/apps/v1"; nothing if it is not served.
  text document(const std::string& path) const;
  text v2_json() const { return v2_json_; }
  /// openapi.v2.Document of gnostic in protobuf.
  text v2_protobuf() const { return v2_protobuf_; }

private:
  text make(const std::string& path) const;
  const kube::registry& registry_;
  std::string version_;
  text index_, v2_json_, v2_protobuf_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, text> made_;
};

}  // namespace skerry::api
