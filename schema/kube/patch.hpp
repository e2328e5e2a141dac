#pragma once
#include <caf/expected.hpp>

#include "schema/error.hpp"
#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// Applies a JSON Patch (RFC 6902) to a copy. Errors: errc::invalid; the message names the operation by index, op and
/// path. A failed `test` gives errc::invalid too (HTTP 422, as Kubernetes).
caf::expected<json::value> json_patch(json::value target, const json::value& patch);

/// Applies a JSON merge patch (RFC 7386).
json::value merge_patch(json::value target, const json::value& patch);

/// Applies a strategic merge patch as kubectl sends it: lists by the table's patch strategy and merge key; directives
/// $patch (replace, delete, merge), $setElementOrder/x, $deleteFromPrimitiveList/x, $retainKeys. Errors: errc::invalid,
/// naming the path (an item without its merge key, a directive that is not one).
caf::expected<json::value> strategic_patch(const type_info& type, json::value target, const json::value& patch);

}  // namespace skerry::kube
