#pragma once
#include <charconv>

#include "schema/device/conversion.hpp"

/// What conversions of registers, texts and octets share.
namespace skerry::device {

caf::error corrupt(std::string why);
caf::error invalid(std::string why);

std::string hex_of(std::string_view bytes);
/// Errors: errc::invalid.
caf::expected<std::string> from_hex(std::string_view text);
/// UTF-8 without control characters, but for tabs and ends of lines.
bool is_utf8(std::string_view s);

template <class T>
std::string digits(T v) {
  char out[64];
  auto r = std::to_chars(out, out + sizeof out, v);
  return {out, r.ptr};
}
/// At most 12 digits.
std::string digits12(double v);

/// A scaled number in the words of the property's type. Errors: errc::corrupt.
caf::expected<std::string> shown(const conversion& c, double raw);
/// The number before scale and offset. Errors: errc::invalid.
caf::expected<double> unscaled(const conversion& c, std::string_view text);
/// Scale and offset, the same for all.
std::optional<problem> take_scale(const json::object& config, conversion& c);

}  // namespace skerry::device
