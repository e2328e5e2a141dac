#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace skerry {

/// Reads "90", "250ms", "30s", "5m", "24h", "7d" as milliseconds (a bare number: seconds); none if it is not one.
std::optional<int64_t> parse_duration(std::string_view text);

}  // namespace skerry
