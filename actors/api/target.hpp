#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/kube/registry.hpp"

namespace skerry::api {

/// The query of a request, decoded; the last of a repeated key counts, as in kube-apiserver.
class query {
public:
  /// Parses "a=b&c=d" (application/x-www-form-urlencoded).
  explicit query(std::string_view text = {});
  std::string_view get(std::string_view key) const;
  bool has(std::string_view key) const;
  /// "true", "1", and the key alone are true (strconv.ParseBool; an absent one is false).
  bool flag(std::string_view key) const;

private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// What a path means.
struct target {
  enum class what : uint8_t {
    nothing,     ///< 404
    resource,    ///< `info` and what follows it
    api,         ///< /api
    apis,        ///< /apis
    group,       ///< /apis/<group>
    version,     ///< /api/v1, /apis/<group>/<version>
    open_api_2,  ///< /openapi/v2
    open_api_3,  ///< /openapi/v3, and `name` "apis/apps/v1"
    server_version,
    health,   ///< /healthz, /livez, /readyz; `name` says which
    review,   ///< authorization.k8s.io and authentication.k8s.io: `name` is the plural
    samples,  ///< telemetry.skerry.io/v1: of the device `name` in `ns`
    root,     ///< /
  };
  what kind = what::nothing;
  const kube::resource_info* info = nullptr;
  std::string group, version;
  std::string ns, name, subresource;
  bool watch_path = false;  ///< the old form /api/v1/watch/...
};

/// Splits and looks up a path without its query. Unknown paths give what::nothing.
target parse_path(std::string_view path, const kube::registry& registry);

/// Percent-decodes; '+' is a space in a query only.
std::string percent_decode(std::string_view text, bool plus_is_space);

}  // namespace skerry::api
