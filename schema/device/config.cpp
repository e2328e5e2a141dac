#include "schema/device/config.hpp"

#include <charconv>
#include <cmath>

#include "schema/device/limits.hpp"

namespace skerry::device {
namespace {
std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}
template <class T>
std::optional<T> parsed(std::string_view s) {
  s = trimmed(s);
  T out{};
  auto [end, e] = std::from_chars(s.data(), s.data() + s.size(), out);
  if (s.empty() || e != std::errc{} || end != s.data() + s.size()) return {};
  return out;
}
}  // namespace

std::optional<int64_t> number_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v == nullptr) return {};
  if (v->is_int64()) return v->get_int64();
  if (v->is_uint64() && v->get_uint64() <= INT64_MAX) return static_cast<int64_t>(v->get_uint64());
  if (v->is_string()) return parsed<int64_t>({v->get_string().data(), v->get_string().size()});
  return {};
}

std::optional<double> real_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v == nullptr) return {};
  std::optional<double> out;
  if (v->is_double()) out = v->get_double();
  if (v->is_int64()) out = static_cast<double>(v->get_int64());
  if (v->is_uint64()) out = static_cast<double>(v->get_uint64());
  if (v->is_string()) out = parsed<double>({v->get_string().data(), v->get_string().size()});
  return out && std::isfinite(*out) ? out : std::nullopt;
}

std::optional<bool> flag_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v == nullptr) return {};
  if (v->is_bool()) return v->get_bool();
  if (v->is_string() && v->get_string() == "true") return true;
  if (v->is_string() && v->get_string() == "false") return false;
  return {};
}

std::string text_of(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v != nullptr && v->is_string()) return {v->get_string().data(), v->get_string().size()};
  if (auto n = number_in(o, key)) return std::to_string(*n);
  return {};
}

int64_t cycle_ms(int64_t stated, int64_t otherwise, bool& nanoseconds) {
  if (stated <= 0) return otherwise;
  nanoseconds = stated > limits::device_cycle_ms_max;
  if (nanoseconds) stated /= 1'000'000;
  return std::min(std::max(stated, limits::device_cycle_ms_min), limits::device_cycle_ms_max);
}

std::string protocol_of(std::string_view name) {
  std::string out{trimmed(name)};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (out == "modbus-tcp" || out == "modbus-rtu" || out == "modbustcp" || out == "modbusrtu") return "modbus";
  if (out == "ble" || out == "bluetooth-le" || out == "bluetoothle") return "bluetooth";
  if (out == "opc-ua") return "opcua";
  return out;
}

}  // namespace skerry::device
