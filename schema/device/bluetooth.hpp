#pragma once
#include <array>
#include <variant>

#include "schema/device/config.hpp"

namespace skerry::device {

/// A UUID of 128 bits as it goes over the air: the least significant byte first.
using gatt_uuid = std::array<uint8_t, 16>;
/// Reads "2a1c", "0x2A1C", 8 hex digits, 32 of them, or the form with hyphens; short ones stand on the base UUID
/// (Bluetooth Core 5.4, Vol 3 Part B, 2.5.1).
std::optional<gatt_uuid> uuid_of(std::string_view text);
gatt_uuid uuid_of_short(uint32_t v);
/// "2a1c" for those on the base UUID, else the form with hyphens.
std::string text_of(const gatt_uuid& u);

/// How a peripheral's address is to be read; `any`: not said, both are tried.
enum class bluetooth_address_type : uint8_t { any, public_address, random_address };
/// What is wanted of the connection before a device is asked (BT_SECURITY): nothing, encryption, encryption with keys
/// that were authenticated.
enum class bluetooth_security : uint8_t { low, medium, high };

/// A peripheral: `protocol.configData` with KubeEdge's `macAddress`; of our own `addressType` (public, random),
/// `adapter` ("hci0"; the first that is up), `security` (low, medium, high), `timeout` (ms for one answer, 100 to
/// 30000; 4000).
struct bluetooth_address {
  std::string mac;  ///< in capitals
  bluetooth_address_type type = bluetooth_address_type::any;
  std::string adapter;
  bluetooth_security security = bluetooth_security::low;
  uint32_t timeout_ms = 4'000;
};
std::variant<bluetooth_address, problem> read_bluetooth_address(const json::object& config);

/// Where a property stands: `visitors.configData` with KubeEdge's `characteristicUUID`; of our own `serviceUUID` (where
/// two services have the characteristic), `notify` (false: it is read each time, even if the device would tell by
/// itself), or `rssi` (true: the strength of the signal in dBm, and no characteristic).
struct bluetooth_visitor {
  gatt_uuid characteristic{};
  std::optional<gatt_uuid> service;
  bool notify = true, rssi = false;
};
std::variant<bluetooth_visitor, problem> read_bluetooth_visitor(const json::object& config);

}  // namespace skerry::device
