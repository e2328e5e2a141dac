#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/json.hpp"

/// The open parts of a Device: `configData` of its protocol and its visitors, as KubeEdge's mappers read them.
namespace skerry::device {

/// What is wrong with a configuration: the key (empty: the whole), and why, naming what is allowed.
struct problem {
  std::string key, why;
};

/// An integer that stands there as a number or, as many manifests have it, as a text ("502"); none if it is neither.
std::optional<int64_t> number_in(const json::object& o, std::string_view key);
/// As number_in, with fractions.
std::optional<double> real_in(const json::object& o, std::string_view key);
/// A boolean, or the texts "true" and "false"; none if it is neither.
std::optional<bool> flag_in(const json::object& o, std::string_view key);
/// A text, or a number as text; empty if it is neither.
std::string text_of(const json::object& o, std::string_view key);

/// A cycle in milliseconds. Older manifests wrote nanoseconds: more than limits::device_cycle_ms_max is read as those,
/// with `nanoseconds` set. Bounded below by limits::device_cycle_ms_min; `otherwise` where it is 0 or less.
int64_t cycle_ms(int64_t stated, int64_t otherwise, bool& nanoseconds);

/// The protocol that a name in a manifest means: "modbus" for "modbus", "modbus-tcp", "Modbus-RTU"; in lower case,
/// else.
std::string protocol_of(std::string_view name);

}  // namespace skerry::device
