#include "schema/duration.hpp"

#include <charconv>
#include <cmath>

namespace skerry {

std::optional<int64_t> parse_duration(std::string_view text) {
  double n = 0;
  auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  if (r.ec != std::errc{} || n < 0 || n > 1e12) return {};
  std::string_view unit{r.ptr, static_cast<size_t>(text.data() + text.size() - r.ptr)};
  struct known {
    std::string_view unit;
    double ms;
  };
  for (auto& k : {known{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}})
    if (unit == k.unit) return std::llround(n * k.ms);
  return {};
}

}  // namespace skerry
