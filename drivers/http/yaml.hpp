#pragma once
#include <caf/expected.hpp>
#include <string_view>
#include <vector>

#include "schema/json.hpp"

namespace skerry::http {

/// Reads one YAML document as JSON, as sigs.k8s.io/yaml does: plain scalars become null, booleans, numbers or strings
/// (YAML 1.2's core schema, and "yes", "on" and the like stay strings), quoted ones are strings, keys are strings.
/// Aliases are expanded, within bounds. Errors: errc::invalid with line and column; errc::too_large for one that
/// expands beyond the limits of a request.
caf::expected<json::value> yaml_to_json(std::string_view text);
/// The same of a stream of any number of documents, each within those limits; one with nothing but comments is null.
caf::expected<std::vector<json::value>> yaml_documents(std::string_view text);

}  // namespace skerry::http
