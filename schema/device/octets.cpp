#include "schema/device/octets.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "schema/device/conversion_parts.hpp"

namespace skerry::device {
namespace {

constexpr size_t operations_max = 16, names_max = 64;

bool numeric(representation r) { return r != representation::text && r != representation::bytes; }

std::optional<std::string> from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (auto c : text) {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    auto at = alphabet.find(c);
    if (at == std::string_view::npos) return {};
    bits = (bits << 6) | static_cast<uint32_t>(at);
    if ((count += 6) < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count);
  }
  return out;
}

std::optional<std::string> bytes_in(const json::value& v) {
  if (const auto* s = v.if_string()) return from_base64({s->data(), s->size()});
  const auto* list = v.if_array();
  if (list == nullptr) return {};
  std::string out;
  for (const auto& x : *list) {
    auto n = x.is_int64() ? x.get_int64() : x.is_uint64() ? static_cast<int64_t>(x.get_uint64()) : -1;
    if (n < 0 || n > 255) return {};
    out += static_cast<char>(n);
  }
  return out;
}

std::optional<problem> take_names(const json::object& config, octet_rules& out) {
  const auto* v = config.if_contains("dataWrite");
  if (v == nullptr || v->is_null()) return {};
  constexpr auto wanted = "must name bytes, as {\"ON\": [1], \"OFF\": [0]}, or in base64";
  const auto* o = v->if_object();
  if (o == nullptr || o->size() > names_max) return problem{"dataWrite", wanted};
  for (const auto& kv : *o) {
    auto bytes = bytes_in(kv.value());
    if (!bytes || bytes->empty() || bytes->size() > octet_rules::bytes_max) return problem{"dataWrite", wanted};
    out.names.emplace(std::string{kv.key()}, std::move(*bytes));
  }
  return {};
}

template <class T>
std::optional<problem> take(const json::object& o, std::string_view key, int64_t min, int64_t max, const char* in,
                            T& out) {
  const auto* v = o.if_contains(key);
  if (v == nullptr || v->is_null()) return {};
  auto n = number_in(o, key);
  if (!n || *n < min || *n > max)
    return problem{in[0] == '\0' ? std::string{key} : std::string{in},
                   (in[0] == '\0' ? std::string{} : "." + std::string{key} + " ") + "must be a number from " +
                       std::to_string(min) + " to " + std::to_string(max)};
  out = static_cast<T>(*n);
  return {};
}

std::optional<problem> take_operations(const json::object& converter, octet_rules& out) {
  const auto* v = converter.if_contains("orderOfOperations");
  if (v == nullptr || v->is_null()) return {};
  problem bad{"dataConverter",
              ".orderOfOperations must be a list of at most 16 of operationType (Add, Subtract, "
              "Multiply, Divide) and operationValue"};
  const auto* list = v->if_array();
  if (list == nullptr || list->size() > operations_max) return bad;
  for (const auto& x : *list) {
    const auto* o = x.if_object();
    if (o == nullptr) return bad;
    auto type = text_of(*o, "operationType");
    auto by = real_in(*o, "operationValue");
    std::transform(type.begin(), type.end(), type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    auto kind = type == "add" ? '+' : type == "subtract" ? '-' : type == "multiply" ? '*' : type == "divide" ? '/' : 0;
    if (kind == 0 || !by || (kind == '/' && *by == 0)) return bad;
    out.operations.push_back({static_cast<char>(kind), *by});
  }
  return {};
}

std::optional<problem> take_converter(const json::object& config, octet_rules& out) {
  const auto* v = config.if_contains("dataConverter");
  if (v == nullptr || v->is_null()) return {};
  const auto* o = v->if_object();
  if (o == nullptr) return problem{"dataConverter", "must be an object with startIndex, endIndex and so on"};
  constexpr auto in = "dataConverter";
  out.sliced = true;
  if (auto p = take(*o, "startIndex", 0, octet_rules::bytes_max - 1, in, out.first)) return p;
  if (auto p = take(*o, "endIndex", 0, octet_rules::bytes_max - 1, in, out.last)) return p;
  if (auto p = take(*o, "shiftLeft", 0, 63, in, out.shift_left)) return p;
  if (auto p = take(*o, "shiftRight", 0, 63, in, out.shift_right)) return p;
  return take_operations(*o, out);
}

/// What the bytes are, where `dataType` does not say it.
representation form_by(value_type type, bool is_signed) {
  if (type == value_type::text) return representation::text;
  if (type == value_type::bytes) return representation::bytes;
  if (type == value_type::boolean) return representation::flag;
  return is_signed ? representation::signed_number : representation::unsigned_number;
}

std::optional<representation> form_named(std::string_view name) {
  if (name == "int") return representation::signed_number;
  if (name == "uint") return representation::unsigned_number;
  if (name == "float") return representation::float32;
  if (name == "double") return representation::float64;
  if (name == "string") return representation::text;
  if (name == "bytes") return representation::bytes;
  if (name == "bool") return representation::flag;
  return {};
}

/// The bytes of the value in the order in which they are stated; a number's with the most significant one first.
caf::expected<std::string> part_of(const conversion& c, std::string_view bytes) {
  const auto& o = *c.octets;
  std::string out{bytes};
  if (!o.sliced) {
    if (numeric(c.form)) std::reverse(out.begin(), out.end());
    return out;
  }
  auto low = std::min(o.first, o.last), high = std::max(o.first, o.last);
  if (high >= bytes.size())
    return corrupt("the device gave " + std::to_string(bytes.size()) + " byte(s), and dataConverter wants number " +
                   std::to_string(high));
  out = bytes.substr(low, size_t{high} - low + 1);
  if (o.first > o.last) std::reverse(out.begin(), out.end());
  return out;
}

caf::expected<std::string> from_whole(const conversion& c, uint64_t raw, size_t bytes) {
  const auto& o = *c.octets;
  auto is_signed = c.form == representation::signed_number;
  auto unused = 64 - 8 * bytes;
  auto v = is_signed ? static_cast<uint64_t>(static_cast<int64_t>(raw << unused) >> unused) : raw;
  v <<= o.shift_left;
  v = is_signed ? static_cast<uint64_t>(static_cast<int64_t>(v) >> o.shift_right) : v >> o.shift_right;
  if (c.bit >= 0) v = (v >> c.bit) & 1;
  auto plain = c.scale == 1 && c.offset == 0 && o.operations.empty() && c.type == value_type::integer;
  if (plain) return is_signed ? digits(static_cast<int64_t>(v)) : digits(v);
  auto number = is_signed ? static_cast<double>(static_cast<int64_t>(v)) : static_cast<double>(v);
  for (const auto& step : o.operations) {
    if (step.kind == '+') number += step.by;
    if (step.kind == '-') number -= step.by;
    if (step.kind == '*') number *= step.by;
    if (step.kind == '/') number /= step.by;
  }
  return shown(c, number);
}

caf::expected<std::string> from_number(const conversion& c, const std::string& bytes) {
  if (bytes.empty() || bytes.size() > 8)
    return corrupt("the device gave " + std::to_string(bytes.size()) + " byte(s); a number has 1 to 8");
  uint64_t raw = 0;
  for (unsigned char b : bytes) raw = (raw << 8) | b;
  auto form = c.form;
  if (c.octets->by_size && bytes.size() == 4) form = representation::float32;
  if (c.octets->by_size && bytes.size() == 8) form = representation::float64;
  if (form != representation::float32 && form != representation::float64) return from_whole(c, raw, bytes.size());
  if (bytes.size() != (form == representation::float32 ? 4U : 8U))
    return corrupt("the device gave " + std::to_string(bytes.size()) + " byte(s), which are no " +
                   (form == representation::float32 ? "float" : "double"));
  if (form == representation::float64) return shown(c, std::bit_cast<double>(raw));
  auto f = std::bit_cast<float>(static_cast<uint32_t>(raw));
  if (c.scale == 1 && c.offset == 0 && std::isfinite(f) && c.type == value_type::real32) return digits(f + 0.0F);
  return shown(c, static_cast<double>(f));
}

/// Texts that are read as numbers or booleans go the way of those that came as texts.
caf::expected<std::string> from_words_of(const conversion& c, std::string bytes) {
  while (!bytes.empty() && (bytes.back() == '\0' || bytes.back() == ' ')) bytes.pop_back();
  auto as_text = c;
  as_text.octets.reset();
  as_text.plain = true;
  raw_value raw;
  raw.text = std::move(bytes);
  return to_text(as_text, raw);
}

caf::expected<raw_value> little_endian(uint64_t v, size_t bytes) {
  raw_value out;
  for (size_t i = 0; i < bytes; ++i, v >>= 8) out.text += static_cast<char>(v & 0xff);
  return out;
}

caf::expected<raw_value> whole_to_octets(const conversion& c, std::string_view text) {
  size_t size = c.octets->size;
  if (size == 0 && c.form == representation::flag) size = 1;
  if (size == 0) return invalid("visitors.configData.size must say how many bytes are written, 1 to 8");
  auto number = unscaled(c, text);
  if (!number) return number.error();
  if (c.form == representation::flag) return little_endian(*number != 0 ? 1 : 0, size);
  auto v = std::round(*number);
  auto is_signed = c.form == representation::signed_number;
  auto width = static_cast<int>(size) * 8 - (is_signed ? 1 : 0);
  if (v < (is_signed ? -std::ldexp(1.0, width) : 0.0) || v >= std::ldexp(1.0, width))
    return invalid("the value does not fit into " + std::to_string(size) + " byte(s): raw " + digits12(v));
  return little_endian(v < 0 ? static_cast<uint64_t>(static_cast<int64_t>(v)) : static_cast<uint64_t>(v), size);
}

}  // namespace

std::variant<conversion, problem> read_octet_conversion(value_type type, const json::object& config, bool negative) {
  if (type == value_type::stream) return problem{"", "a STREAM is no value"};
  conversion c;
  octet_rules o;
  c.type = type;
  if (auto p = take_scale(config, c)) return *p;
  if (auto p = take_converter(config, o)) return *p;
  if (auto p = take_names(config, o)) return *p;
  if (auto p = take(config, "size", 1, 8, "", o.size)) return *p;
  if (auto p = take(config, "bit", 0, 63, "", c.bit)) return *p;
  c.form = form_by(type, flag_in(config, "signed").value_or(negative));
  auto stated = text_of(config, "dataType");
  o.by_size = stated.empty() && !o.sliced && (type == value_type::real32 || type == value_type::real64);
  if (!stated.empty()) {
    auto form = form_named(stated);
    if (!form) return problem{"dataType", "must be int, uint, float, double, string, bytes or bool"};
    c.form = *form;
  }
  auto of_words = type == value_type::text || type == value_type::bytes;
  if (c.form == representation::bytes && !of_words) return problem{"dataType", "bytes are no number"};
  if (numeric(c.form) && o.sliced && std::abs(int{o.first} - int{o.last}) >= 8)
    return problem{"dataConverter", ": a number has at most 8 bytes"};
  if (numeric(c.form) && type == value_type::text) c.type = value_type::real64;  // shown as the number that it is
  c.octets = std::make_shared<const octet_rules>(std::move(o));
  return c;
}

caf::expected<std::string> octets_to_text(const conversion& c, std::string_view bytes) {
  if (c.type == value_type::text)
    for (const auto& [name, value] : c.octets->names)
      if (value == bytes) return name;
  auto part = part_of(c, bytes);
  if (!part) return part;
  if (c.form == representation::bytes) return hex_of(*part);
  if (c.form == representation::text) return from_words_of(c, std::move(*part));
  if (numeric(c.form) && c.type == value_type::bytes) return hex_of(*part);
  return from_number(c, *part);
}

caf::expected<raw_value> octets_from_text(const conversion& c, std::string_view text) {
  const auto& o = *c.octets;
  raw_value out;
  if (auto named = o.names.find(text); named != o.names.end()) {
    out.text = named->second;
    return out;
  }
  if (!o.names.empty()) return invalid("'" + std::string{text} + "' is none of the names of dataWrite");
  if (o.sliced || c.bit >= 0) return invalid("a part of a value is written by a name of dataWrite");
  if (c.type == value_type::boolean && text != "true" && text != "false" && text != "1" && text != "0")
    return invalid("'" + std::string{text} + "' is neither true nor false");
  if (c.form == representation::text || c.form == representation::bytes) {
    auto bytes = c.form == representation::text ? caf::expected<std::string>{std::string{text}} : from_hex(text);
    if (!bytes) return bytes.error();
    if (bytes->size() > octet_rules::bytes_max) return invalid("a value has at most 512 bytes");
    out.text = std::move(*bytes);
    return out;
  }
  auto single = c.form == representation::float32 || (o.by_size && c.type == value_type::real32 && o.size == 0);
  auto twice = c.form == representation::float64 || (o.by_size && c.type == value_type::real64 && o.size == 0);
  if (o.by_size && o.size == 4) single = true;
  if (o.by_size && o.size == 8) twice = true;
  if (!single && !twice) return whole_to_octets(c, text);
  auto number = unscaled(c, text);
  if (!number) return number.error();
  if (twice) return little_endian(std::bit_cast<uint64_t>(*number), 8);
  auto f = static_cast<float>(*number);
  if (!std::isfinite(f)) return invalid("the value does not fit into a float of 32 bits");
  return little_endian(std::bit_cast<uint32_t>(f), 4);
}

}  // namespace skerry::device
