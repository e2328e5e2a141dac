#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "actors/ports/device.hpp"

namespace skerry::telemetry {

/// One value of a property, as it was at one moment.
struct sample {
  int64_t time_ms = 0;  ///< Unix
  ports::quality state = ports::quality::good;
  std::variant<std::monostate, int64_t, double, std::string> value;  ///< none where the quality is bad, and only there
  bool operator==(const sample&) const = default;
};

/// The value that a twin shows as `text`: an integer, a number, or the text itself ("007" and "1e400" are texts).
std::variant<std::monostate, int64_t, double, std::string> value_of(std::string_view text);

/// The other way round; numbers with as few digits as name them exactly.
std::string text_of(const sample& s);

}  // namespace skerry::telemetry
