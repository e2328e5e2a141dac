#include "schema/device/modbus.hpp"

#include <algorithm>

namespace skerry::device {
namespace {

constexpr int64_t registers_max = 125;  // MODBUS Application Protocol V1.1b3, 6.3
constexpr int64_t bits_max = 2000;      // 6.1

std::string lower(std::string s) {
  for (auto& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

std::optional<modbus_kind> kind_of(const std::string& name) {
  auto n = lower(name);
  if (n == "coilregister") return modbus_kind::coil;
  if (n == "discreteinputregister") return modbus_kind::discrete;
  if (n == "inputregister") return modbus_kind::input;
  if (n == "holdingregister") return modbus_kind::holding;
  return {};
}

/// Takes an integer member that lies in these bounds; says what is wrong with it.
template <class T>
std::optional<problem> take(const json::object& o, std::string_view key, int64_t min, int64_t max, T& out) {
  const auto* v = o.if_contains(key);
  if (v == nullptr || v->is_null() || (v->is_string() && v->get_string().empty())) return {};
  auto n = number_in(o, key);
  if (!n || *n < min || *n > max)
    return problem{std::string{key}, "must be a number from " + std::to_string(min) + " to " + std::to_string(max)};
  out = static_cast<T>(*n);
  return {};
}

std::optional<problem> take_serial(const json::object& config, modbus_address& a) {
  if (auto p = take(config, "baudRate", 50, 4'000'000, a.baud)) return p;
  if (auto p = take(config, "dataBits", 5, 8, a.data_bits)) return p;
  if (auto p = take(config, "stopBits", 1, 2, a.stop_bits)) return p;
  auto parity = lower(text_of(config, "parity"));
  if (parity.empty() || parity == "none" || parity == "n")
    a.parity = 'N';
  else if (parity == "even" || parity == "e")
    a.parity = 'E';
  else if (parity == "odd" || parity == "o")
    a.parity = 'O';
  else
    return problem{"parity", "must be none, even or odd"};
  return {};
}

}  // namespace

std::variant<modbus_visitor, problem> read_modbus_visitor(const json::object& config) {
  modbus_visitor v;
  auto kind = kind_of(text_of(config, "register"));
  if (!kind)
    return problem{"register", "must be CoilRegister, DiscreteInputRegister, InputRegister or HoldingRegister"};
  v.kind = *kind;
  if (!number_in(config, "offset")) return problem{"offset", "must be a number from 0 to 65535"};
  if (auto p = take(config, "offset", 0, 65535, v.offset)) return *p;
  auto max = std::min<int64_t>(v.bits() ? bits_max : registers_max, 65536 - v.offset);
  if (auto p = take(config, "limit", 1, max, v.count)) return *p;
  if (auto p = take(config, "bit", 0, 15, v.bit)) return *p;
  if (v.bit >= 0 && (v.bits() || v.count != 1)) return problem{"bit", "is for one register of 16 bits"};
  return v;
}

bool overlap(const modbus_visitor& a, const modbus_visitor& b) {
  if (a.kind != b.kind || a.offset >= b.offset + b.count || b.offset >= a.offset + a.count) return false;
  return a.bit < 0 || b.bit < 0 || a.bit == b.bit;
}

std::variant<modbus_address, problem> read_modbus_address(const json::object& config) {
  modbus_address a;
  a.host = text_of(config, "ip");
  a.serial = text_of(config, "serialPort");
  if (a.host.empty() == a.serial.empty())
    return problem{"", "wants `ip` (Modbus TCP) or `serialPort` (Modbus RTU), one of them"};
  if (a.host.size() > 253) return problem{"ip", "is longer than 253 bytes"};
  if (!a.serial.empty() && a.serial.front() != '/') return problem{"serialPort", "must be a path, as /dev/ttyS0"};
  if (auto p = take(config, "port", 1, 65535, a.port)) return *p;
  if (auto p = take(config, "slaveID", a.host.empty() ? 1 : 0, a.host.empty() ? 247 : 255, a.slave)) return *p;
  if (auto p = take(config, "timeout", 10, 4'000, a.timeout_ms)) return *p;
  if (auto p = take(config, "gap", 0, 100, a.gap)) return *p;
  if (auto p = take_serial(config, a)) return *p;
  return a;
}

}  // namespace skerry::device
