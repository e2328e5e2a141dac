#include "schema/device/bluetooth.hpp"

#include <algorithm>

namespace skerry::device {
namespace {

/// 00000000-0000-1000-8000-00805F9B34FB, the least significant byte first.
constexpr gatt_uuid base_uuid = {0xfb, 0x34, 0x9b, 0x5f, 0x80, 0, 0, 0x80, 0, 0x10, 0, 0, 0, 0, 0, 0};

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string lower(std::string s) {
  for (auto& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

bool is_mac(std::string_view s) {
  if (s.size() != 17) return false;
  for (size_t i = 0; i < s.size(); ++i)
    if (i % 3 == 2 ? s[i] != ':' : digit_of(s[i]) < 0) return false;
  return true;
}

bool is_adapter(std::string_view s) {
  return s.size() >= 4 && s.size() <= 6 && s.starts_with("hci") &&
         std::all_of(s.begin() + 3, s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

gatt_uuid uuid_of_short(uint32_t v) {
  auto out = base_uuid;
  for (size_t i = 12; i < 16; ++i, v >>= 8) out[i] = static_cast<uint8_t>(v);
  return out;
}

std::optional<gatt_uuid> uuid_of(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.size() == 36 && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return {};
      continue;
    }
    if (digit_of(text[i]) < 0) return {};
    hex += text[i];
  }
  if (hex.size() != 4 && hex.size() != 8 && hex.size() != 32) return {};
  gatt_uuid out{};
  auto value = [&](size_t i) { return static_cast<uint8_t>(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1])); };
  if (hex.size() == 32) {
    for (size_t i = 0; i < 16; ++i) out[15 - i] = value(i);
    return out;
  }
  uint32_t v = 0;
  for (size_t i = 0; i < hex.size() / 2; ++i) v = (v << 8) | value(i);
  return uuid_of_short(v);
}

std::string text_of(const gatt_uuid& u) {
  auto is_short = std::equal(u.begin(), u.begin() + 12, base_uuid.begin());
  std::string out;
  for (size_t i = 16; i-- > (is_short ? 12U : 0U);) {
    out += "0123456789abcdef"[u[i] >> 4];
    out += "0123456789abcdef"[u[i] & 15];
    if (!is_short && (i == 12 || i == 10 || i == 8 || i == 6)) out += '-';
  }
  return is_short && out.starts_with("0000") ? out.substr(4) : out;
}

std::variant<bluetooth_address, problem> read_bluetooth_address(const json::object& config) {
  bluetooth_address a;
  a.mac = text_of(config, "macAddress");
  if (!is_mac(a.mac)) return problem{"macAddress", "must be the device's address, as 00:1A:7D:DA:71:13"};
  for (auto& c : a.mac)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  auto type = lower(text_of(config, "addressType"));
  if (type == "public")
    a.type = bluetooth_address_type::public_address;
  else if (type == "random")
    a.type = bluetooth_address_type::random_address;
  else if (!type.empty())
    return problem{"addressType", "must be public or random; if it is absent both are tried"};
  auto security = lower(text_of(config, "security"));
  if (security == "medium")
    a.security = bluetooth_security::medium;
  else if (security == "high")
    a.security = bluetooth_security::high;
  else if (!security.empty() && security != "low")
    return problem{"security", "must be low, medium or high"};
  a.adapter = text_of(config, "adapter");
  if (!a.adapter.empty() && !is_adapter(a.adapter)) return problem{"adapter", "must be the name of one, as hci0"};
  if (const auto* t = config.if_contains("timeout"); t != nullptr && !t->is_null()) {
    auto ms = number_in(config, "timeout");
    if (!ms || *ms < 100 || *ms > 30'000) return problem{"timeout", "must be a number from 100 to 30000"};
    a.timeout_ms = static_cast<uint32_t>(*ms);
  }
  return a;
}

std::variant<bluetooth_visitor, problem> read_bluetooth_visitor(const json::object& config) {
  bluetooth_visitor v;
  for (auto [key, to] : {std::pair{"rssi", &v.rssi}, std::pair{"notify", &v.notify}})
    if (config.contains(key)) {
      auto flag = flag_in(config, key);
      if (!flag) return problem{key, "must be true or false"};
      *to = *flag;
    }
  auto uuid = text_of(config, "characteristicUUID");
  if (v.rssi) {
    if (!uuid.empty()) return problem{"rssi", "is of the connection, and has no characteristicUUID"};
    return v;
  }
  auto characteristic = uuid_of(uuid);
  if (!characteristic)
    return problem{"characteristicUUID", "must be a UUID, as 2a6e or 12345678-1234-5678-1234-56789abcdef0"};
  v.characteristic = *characteristic;
  if (auto service = text_of(config, "serviceUUID"); !service.empty()) {
    v.service = uuid_of(service);
    if (!v.service) return problem{"serviceUUID", "must be a UUID, as 181a"};
  }
  return v;
}

}  // namespace skerry::device
