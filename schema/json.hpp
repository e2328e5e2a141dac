#pragma once
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace skerry {
namespace json = boost::json;

/// Parses one JSON document. Errors: errc::invalid with line and column; depth is bounded by limits::json_depth_max.
/// Numbers keep their kind (int64, uint64, double).
json::value parse_json(std::string_view text, std::string& error);

/// Returns the value at a dotted path of object keys ("spec.template.metadata"), or nullptr if a step is missing
/// or not an object. Keys that hold dots cannot be reached this way.
const json::value* find(const json::value& root, std::string_view dotted);
json::value* find(json::value& root, std::string_view dotted);

/// Returns the string at a dotted path, or `otherwise`.
std::string_view string_at(const json::value& root, std::string_view dotted, std::string_view otherwise = {});

/// Returns the integer at a dotted path, or `otherwise`.
int64_t int_at(const json::value& root, std::string_view dotted, int64_t otherwise = 0);

/// Returns the boolean at a dotted path, or `otherwise`.
bool bool_at(const json::value& root, std::string_view dotted, bool otherwise = false);

/// Returns the array or object at a dotted path, or a shared empty one.
const json::array& array_at(const json::value& root, std::string_view dotted);
const json::object& object_at(const json::value& root, std::string_view dotted);

/// Makes objects along a dotted path where they are missing and returns the value at its end.
json::value& ensure(json::value& root, std::string_view dotted);

/// Formats Unix milliseconds as RFC 3339 in UTC with whole seconds, "2026-11-23T10:00:00Z" (Kubernetes' meta/v1.Time).
std::string format_time(int64_t unix_ms);

/// As format_time, with microseconds (meta/v1.MicroTime).
std::string format_micro_time(int64_t unix_ms);

/// Parses RFC 3339 into Unix milliseconds.
std::optional<int64_t> parse_time(std::string_view text);

}  // namespace skerry
