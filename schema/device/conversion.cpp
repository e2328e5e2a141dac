#include "schema/device/conversion.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "schema/device/conversion_parts.hpp"
#include "schema/device/octets.hpp"
#include "schema/error.hpp"

namespace skerry::device {
namespace {

struct type_name {
  std::string_view name;
  value_type type;
};
constexpr type_name types[] = {{"INT", value_type::integer},     {"FLOAT", value_type::real32},
                               {"DOUBLE", value_type::real64},   {"STRING", value_type::text},
                               {"BOOLEAN", value_type::boolean}, {"BYTES", value_type::bytes},
                               {"STREAM", value_type::stream}};

uint16_t swapped(uint16_t w) { return static_cast<uint16_t>((w >> 8) | (w << 8)); }

/// Brings registers into big-endian order, or out of it: it is its own inverse.
std::vector<uint16_t> ordered(const conversion& c, std::vector<uint16_t> words) {
  if (c.swap_words) std::reverse(words.begin(), words.end());
  if (c.swap_bytes)
    for (auto& w : words) w = swapped(w);
  return words;
}

uint64_t joined(const std::vector<uint16_t>& words) {
  uint64_t out = 0;
  for (auto w : words) out = (out << 16) | w;
  return out;
}

std::vector<uint16_t> split(uint64_t v, size_t count) {
  std::vector<uint16_t> out(count);
  for (size_t i = count; i-- > 0; v >>= 16) out[i] = static_cast<uint16_t>(v);
  return out;
}

std::string bytes_of(const std::vector<uint16_t>& words) {
  std::string out;
  for (auto w : words) {
    out += static_cast<char>(w >> 8);
    out += static_cast<char>(w & 0xff);
  }
  return out;
}

caf::expected<std::string> from_bcd(const conversion& c, uint64_t raw, size_t words) {
  uint64_t v = 0;
  for (size_t i = words * 4; i-- > 0;) {
    auto digit = (raw >> (4 * i)) & 0xf;
    if (digit > 9) return corrupt("the registers hold a digit above 9, so no BCD");
    v = v * 10 + digit;
  }
  return shown(c, static_cast<double>(v));
}

caf::expected<std::string> from_words(const conversion& c, const std::vector<uint16_t>& given) {
  auto words = ordered(c, given);
  if (c.form == representation::text) {
    auto s = bytes_of(words);
    while (!s.empty() && (s.back() == '\0' || s.back() == ' ')) s.pop_back();
    if (!is_utf8(s)) return corrupt("the registers hold no text");
    return s;
  }
  if (c.form == representation::bytes) return hex_of(bytes_of(words));
  auto raw = joined(words);
  auto width = words.size() * 16;
  switch (c.form) {
    case representation::float32: {
      auto f = std::bit_cast<float>(static_cast<uint32_t>(raw));
      if (c.scale == 1 && c.offset == 0 && std::isfinite(f) && c.type == value_type::real32) return digits(f + 0.0F);
      return shown(c, static_cast<double>(f));
    }
    case representation::float64:
      return shown(c, std::bit_cast<double>(raw));
    case representation::bcd:
      return from_bcd(c, raw, words.size());
    case representation::flag:
      return std::string{(c.bit < 0 ? raw != 0 : ((raw >> c.bit) & 1) != 0) ? "true" : "false"};
    default:
      break;
  }
  if (c.bit >= 0) return shown(c, static_cast<double>((raw >> c.bit) & 1));
  auto plain = c.scale == 1 && c.offset == 0 && c.type == value_type::integer;
  if (c.form == representation::signed_number) {
    auto v = static_cast<int64_t>(raw << (64 - width)) >> (64 - width);
    return plain ? caf::expected<std::string>{digits(v)} : shown(c, static_cast<double>(v));
  }
  return plain ? caf::expected<std::string>{digits(raw)} : shown(c, static_cast<double>(raw));
}

caf::expected<uint64_t> whole(const conversion& c, double raw, size_t width) {
  auto v = std::round(raw);
  auto is_signed = c.form == representation::signed_number;
  auto min = is_signed ? -std::ldexp(1.0, static_cast<int>(width) - 1) : 0.0;
  auto end = c.form == representation::bcd ? std::pow(10.0, static_cast<double>(width / 4))
                                           : std::ldexp(1.0, static_cast<int>(width) - (is_signed ? 1 : 0));
  if (v < min || v >= end)
    return invalid("the value does not fit into " + std::to_string(width / 16) + " register(s): raw " + digits12(v));
  return v < 0 ? static_cast<uint64_t>(static_cast<int64_t>(v)) : static_cast<uint64_t>(v);
}

uint64_t to_bcd(uint64_t v) {
  uint64_t out = 0;
  for (int shift = 0; v > 0 && shift < 64; shift += 4, v /= 10) out |= (v % 10) << shift;
  return out;
}

caf::expected<uint64_t> raw_number(const conversion& c, std::string_view text) {
  auto width = size_t{c.count} * 16;
  auto plain = c.scale == 1 && c.offset == 0;
  auto end_of = text.data() + text.size();
  // Whole numbers of 64 bits do not go through a double.
  if (plain && width == 64 && c.form == representation::signed_number) {
    int64_t v = 0;
    auto [end, e] = std::from_chars(text.data(), end_of, v);
    if (e == std::errc{} && end == end_of) return static_cast<uint64_t>(v);
  }
  if (plain && width == 64 && c.form == representation::unsigned_number) {
    uint64_t v = 0;
    auto [end, e] = std::from_chars(text.data(), end_of, v);
    if (e == std::errc{} && end == end_of) return v;
  }
  auto number = unscaled(c, text);
  if (!number) return number.error();
  if (c.form == representation::float32) {
    auto f = static_cast<float>(*number);
    if (!std::isfinite(f)) return invalid("the value does not fit into a float of 32 bits");
    return uint64_t{std::bit_cast<uint32_t>(f)};
  }
  if (c.form == representation::float64) return std::bit_cast<uint64_t>(*number);
  auto v = whole(c, *number, width);
  if (v && c.form == representation::bcd) return to_bcd(*v);
  return v;
}

caf::expected<std::vector<uint16_t>> packed(std::string_view bytes, size_t words) {
  if (bytes.size() > words * 2)
    return invalid(std::to_string(bytes.size()) + " bytes do not fit into " + std::to_string(words) + " register(s)");
  std::vector<uint16_t> out(words);
  for (size_t i = 0; i < bytes.size(); ++i)
    out[i / 2] = static_cast<uint16_t>(out[i / 2] | static_cast<unsigned char>(bytes[i]) << (i % 2 == 0 ? 8 : 0));
  return out;
}

std::optional<representation> form_of(value_type type, std::string_view stated, uint16_t count, bool is_signed) {
  auto whole = is_signed ? representation::signed_number : representation::unsigned_number;
  if (stated == "int") return representation::signed_number;
  if (stated == "uint") return representation::unsigned_number;
  if (stated == "float") return representation::float32;
  if (stated == "double") return representation::float64;
  if (stated == "bcd") return representation::bcd;
  if (stated == "string") return representation::text;
  if (stated == "bytes") return representation::bytes;
  if (stated == "bool") return representation::flag;
  if (!stated.empty()) return {};
  switch (type) {
    case value_type::real32:
    case value_type::real64:
      // A number in one register is a scaled integer: no float has 16 bits.
      return count >= 4 ? representation::float64 : count >= 2 ? representation::float32 : whole;
    case value_type::text:
      return representation::text;
    case value_type::boolean:
      return representation::flag;
    case value_type::bytes:
      return representation::bytes;
    default:
      return whole;
  }
}

std::optional<problem> check_width(const conversion& c) {
  auto numeric = c.form != representation::text && c.form != representation::bytes;
  if (c.bits && c.count > 64) return problem{"limit", "at most 64 bits make a value"};
  if (c.bits) return {};
  if (c.form == representation::float32 && c.count != 2) return problem{"limit", "a float stands in 2 registers"};
  if (c.form == representation::float64 && c.count != 4) return problem{"limit", "a double stands in 4 registers"};
  if (numeric && c.count > 4) return problem{"limit", "a number stands in at most 4 registers"};
  return {};
}

std::string lower(std::string_view s) {
  std::string out{s};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

caf::expected<std::string> from_plain(const conversion& c, std::string_view text) {
  if (c.type == value_type::bytes) return hex_of(text);
  if (!is_utf8(text)) return corrupt("what came is no text");
  if (c.type == value_type::text) return std::string{text};
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  auto word = lower(text);
  if (c.type == value_type::boolean) {
    if (word == "true" || word == "1" || word == "on") return std::string{"true"};
    if (word == "false" || word == "0" || word == "off") return std::string{"false"};
    return corrupt("'" + std::string{text.substr(0, 64)} + "' is neither true nor false");
  }
  auto v = number_of(text);
  if (!v) return corrupt("'" + std::string{text.substr(0, 64)} + "' is no number");
  return shown(c, *v);
}

}  // namespace

std::optional<value_type> type_of(std::string_view name) {
  for (const auto& t : types)
    if (t.name == name) return t.type;
  return {};
}

std::string_view name_of(value_type t) {
  for (const auto& x : types)
    if (x.type == t) return x.name;
  return {};
}

std::optional<double> number_of(std::string_view text) {
  double v = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (e != std::errc{} || end != text.data() + text.size() || !std::isfinite(v)) return {};
  return v;
}

std::variant<conversion, problem> read_conversion(value_type type, const json::object& config, uint16_t count,
                                                  bool bits, bool negative) {
  if (type == value_type::stream) return problem{"", "a STREAM does not fit into registers"};
  conversion c;
  c.type = type;
  c.count = count;
  c.bits = bits;
  for (auto [key, to] : {std::pair{"isSwap", &c.swap_bytes}, std::pair{"isRegisterSwap", &c.swap_words}})
    if (config.contains(key)) {
      auto v = flag_in(config, key);
      if (!v) return problem{key, "must be true or false"};
      *to = *v;
    }
  if (auto p = take_scale(config, c)) return *p;
  auto is_signed = flag_in(config, "signed").value_or(negative);
  auto form = form_of(type, text_of(config, "dataType"), count, is_signed);
  if (!form) return problem{"dataType", "must be int, uint, float, double, bcd, string, bytes or bool"};
  c.form = *form;
  if (auto bit = number_in(config, "bit")) {
    c.bit = static_cast<int>(std::clamp<int64_t>(*bit, 0, 15));
    if (type != value_type::boolean && type != value_type::integer)
      return problem{"bit", "is for a property of type BOOLEAN or INT"};
  }
  if (auto p = check_width(c)) return *p;
  return c;
}

std::variant<conversion, problem> read_text_conversion(value_type type, const json::object& config) {
  if (type == value_type::stream) return problem{"", "a STREAM is no value"};
  conversion c;
  c.type = type;
  c.plain = true;
  if (auto p = take_scale(config, c)) return *p;
  return c;
}

caf::expected<std::string> to_text(const conversion& c, const raw_value& raw) {
  if (c.octets) return octets_to_text(c, raw.text);
  if (c.plain) return from_plain(c, raw.text);
  if ((c.bits ? raw.bits.size() : raw.words.size()) != c.count)
    return corrupt("the device gave another number of registers than was asked for");
  if (!c.bits) return from_words(c, raw.words);
  uint64_t v = 0;
  for (size_t i = raw.bits.size(); i-- > 0;) v = (v << 1) | (raw.bits[i] ? 1U : 0U);
  if (c.type == value_type::boolean) return std::string{v != 0 ? "true" : "false"};
  return c.scale == 1 && c.offset == 0 ? caf::expected<std::string>{digits(v)} : shown(c, static_cast<double>(v));
}

caf::expected<raw_value> from_text(const conversion& c, std::string_view text) {
  if (c.octets) return octets_from_text(c, text);
  raw_value out;
  if (c.type == value_type::boolean && text != "true" && text != "false" && text != "1" && text != "0")
    return invalid("'" + std::string{text} + "' is neither true nor false");
  if (c.plain) {
    auto numeric = c.type == value_type::integer || c.type == value_type::real32 || c.type == value_type::real64;
    out.text = text;
    if (!numeric) return out;
    auto v = unscaled(c, text);
    if (!v) return v.error();
    if (c.scale != 1 || c.offset != 0) out.text = digits12(*v);
    return out;
  }
  if (c.bits) {
    auto v = unscaled(c, text);
    if (!v) return v.error();
    auto number = std::round(*v);
    if (number < 0 || number >= std::ldexp(1.0, c.count))
      return invalid("the value does not fit into " + std::to_string(c.count) + " bit(s)");
    for (size_t i = 0; i < c.count; ++i) out.bits.push_back(((static_cast<uint64_t>(number) >> i) & 1) != 0);
    return out;
  }
  if (c.bit >= 0) return invalid("one bit of a register cannot be written; write the register");
  if (c.form == representation::text || c.form == representation::bytes) {
    auto bytes = c.form == representation::text ? caf::expected<std::string>{std::string{text}} : from_hex(text);
    if (!bytes) return bytes.error();
    auto words = packed(*bytes, c.count);
    if (!words) return words.error();
    out.words = ordered(c, std::move(*words));
    return out;
  }
  auto raw = raw_number(c, text);
  if (!raw) return raw.error();
  out.words = ordered(c, split(*raw, c.count));
  return out;
}

}  // namespace skerry::device
