#include "schema/device/conversion_parts.hpp"

#include <charconv>
#include <cmath>

#include "schema/error.hpp"

namespace skerry::device {

caf::error corrupt(std::string why) { return make_error(errc::corrupt, std::move(why)); }
caf::error invalid(std::string why) { return make_error(errc::invalid, std::move(why)); }

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (unsigned char b : bytes)
    for (auto nibble : {b >> 4, b & 15}) out += "0123456789abcdef"[nibble];
  return out;
}

bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 9;
    if (more == 9 || i + more >= s.size() || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) return false;
    for (size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80) return false;
    i += more + 1;
  }
  return true;
}

std::string digits12(double v) {
  char out[64];
  auto r = std::to_chars(out, out + sizeof out, v, std::chars_format::general, 12);
  return {out, r.ptr};
}

caf::expected<std::string> shown(const conversion& c, double raw) {
  auto v = raw * c.scale + c.offset;
  if (!std::isfinite(v)) return corrupt("the registers hold no number");
  if (c.type == value_type::boolean) return std::string{v != 0 ? "true" : "false"};
  if (c.type != value_type::integer) return digits12(v == 0 ? 0.0 : v);
  if (std::abs(v) >= 9.2e18) return corrupt("the value is larger than 64 bits hold");
  return digits(std::llround(v));
}

caf::expected<double> unscaled(const conversion& c, std::string_view text) {
  if (text == "true") return 1.0;
  if (text == "false") return 0.0;
  auto v = number_of(text);
  if (!v) return invalid("'" + std::string{text} + "' is no number");
  return (*v - c.offset) / c.scale;
}

caf::expected<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return invalid("bytes are written as pairs of hex digits");
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned v = 0;
    auto [end, e] = std::from_chars(text.data() + i, text.data() + i + 2, v, 16);
    if (e != std::errc{} || end != text.data() + i + 2) return invalid("bytes are written as pairs of hex digits");
    out += static_cast<char>(v);
  }
  return out;
}

std::optional<problem> take_scale(const json::object& config, conversion& c) {
  for (auto [key, to] : {std::pair{"scale", &c.scale}, std::pair{"valueOffset", &c.offset}})
    if (config.contains(key)) {
      auto v = real_in(config, key);
      if (!v) return problem{key, "must be a number"};
      *to = *v;
    }
  if (c.scale == 0) c.scale = 1;  // absent, in Go's words
  return {};
}

}  // namespace skerry::device
