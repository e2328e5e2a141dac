#pragma once
#include <string>
#include <vector>

#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// What was found when a value was held against its type.
struct decode_report {
  std::string error;  ///< the first wrong type, "spec.replicas: expected int32, got string"; empty if none
  std::vector<std::string>
      unknown;  ///< paths of fields that the type does not have: "spec.template.spec.containers[0].foo"
  bool ok() const { return error.empty(); }
};

struct decode_options {
  bool prune_unknown = false;  ///< takes fields that the type does not have out of the value
  size_t unknown_max = 64;     ///< no more unknown fields than these are reported
};

/// Holds `value` against `type` and puts it in canonical form in place: nulls are removed (Kubernetes reads null as
/// absent), quantities become canonical strings (0.5 -> "500m"), times are UTC with whole seconds, whole doubles become
/// integers. Stops at the first wrong type. `path` is the prefix for messages, usually empty.
decode_report decode(const type_info& type, json::value& value, const decode_options& options = {},
                     std::string_view path = {});

/// As decode for a whole object of a resource; also wants apiVersion and kind to be those of `info` where given
/// (the API's phrasing: "the object provided is unrecognized" class of errors is for the caller).
decode_report decode(const resource_info& info, json::value& value, const decode_options& options = {});

/// Returns the paths of keys that stand twice in one object of this JSON text ("spec.replicas"), at most `max`;
/// Boost.JSON keeps the last of them, as Kubernetes does. Text that does not parse gives none.
std::vector<std::string> duplicate_fields(std::string_view text, size_t max = 64);

/// `unknown field "spec.foo"`, `duplicate field "spec.foo"`: as in Warning headers and, joined by ", ", behind
/// "strict decoding error: ".
std::vector<std::string> strict_messages(const decode_report& report, const std::vector<std::string>& duplicates);

}  // namespace skerry::kube
