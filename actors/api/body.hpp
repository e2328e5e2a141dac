#pragma once
#include <caf/expected.hpp>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "actors/api/status.hpp"
#include "actors/api/target.hpp"
#include "schema/json.hpp"
#include "schema/kube/protobuf.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::api {

/// How unknown and duplicate fields are met (query fieldValidation; Warn unless given).
enum class strictness : uint8_t { ignore, warn, strict };
/// Errors: 422 for another word.
std::variant<strictness, failure> read_strictness(const query& q);

/// What kind of text a request carries, from its Content-Type.
enum class media : uint8_t { json, json_patch, merge_patch, strategic_patch, apply, yaml, protobuf, other };
media media_of(std::string_view content_type);

/// An object as a client sent it: decoded, in canonical form.
struct body {
  json::value value;
  std::vector<std::string> warnings;
};

/// Parses JSON text. Errors: 400 with line and column.
std::variant<json::value, failure> parse_body(const std::string& text);

/// What reads bodies that are not JSON.
struct body_readers {
  std::function<caf::expected<json::value>(std::string_view)> yaml;  ///< parts::yaml
  const kube::protobuf_codec* protobuf = nullptr;
};
/// Parses a body of JSON, YAML or protobuf by its content type. Errors: 415 for another; 400 for one that does not
/// parse or is no object.
std::variant<json::value, failure> parse_object(const ports::http_request& request, const body_readers& readers);

/// Reads an object of `info` from a create or update request. Errors: 415 (a type that is not read), 400 (does not
/// parse, wrong kind, wrong type of a field, unknown field under Strict).
std::variant<body, failure> read_body(const ports::http_request& request, const kube::resource_info& info, strictness s,
                                      const body_readers& readers);

/// Decodes the result of a patch in place, with `before` as it was: only fields that the patch brought in count as
/// unknown. Returns what to warn of.
std::variant<std::vector<std::string>, failure> decode_patched(const kube::resource_info& info,
                                                               const json::value& before, json::value& after,
                                                               strictness s);

/// Warning headers (RFC 9111 section 5.5, as Kubernetes uses it: code 299).
header_list warning_headers(const std::vector<std::string>& warnings);

}  // namespace skerry::api
