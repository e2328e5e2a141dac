#pragma once
#include <caf/expected.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "schema/device/bluetooth.hpp"

namespace skerry::drivers::bluetooth {

/// A device that was heard.
struct advertisement {
  std::string mac;
  device::bluetooth_address_type type = device::bluetooth_address_type::public_address;
  int rssi = 0;  ///< dBm; 127: not known
  std::string name;
  std::vector<device::gatt_uuid> services;
  bool connectable = true;
};

/// What the driver needs of the machine's Bluetooth. Tests stand in for it, where the kernel has none.
class radio {
public:
  virtual ~radio() = default;
  /// Begins to connect, and returns a non-blocking SEQPACKET socket for PDUs of the Attribute Protocol: it becomes
  /// writable when it is connected, or SO_ERROR says why not. `type` is not `any`. Errors: errc::unavailable;
  /// errc::locked if another program had the connection: it is ended, and kept from coming back by itself.
  virtual caf::expected<int> open(const device::bluetooth_address& where, device::bluetooth_address_type type) = 0;
  /// Asks for the next higher security of a connection; false if there is none, or it has it.
  virtual bool raise_security(int fd) = 0;
  /// Signal strength of a connection in dBm. Errors: errc::unavailable.
  virtual caf::expected<int> rssi(int fd, const device::bluetooth_address& where) = 0;
  /// Listens to advertisements for a while; blocks. What is heard more than once is one, the newest. Errors:
  /// errc::unavailable.
  virtual caf::expected<std::vector<advertisement>> scan(const std::string& adapter,
                                                         std::chrono::milliseconds how_long) = 0;
};

/// That of BlueZ: L2CAP sockets for connections, the kernel's management interface for scans, libbluetooth's HCI for
/// the signal. Needs CAP_NET_ADMIN for the latter two.
std::unique_ptr<radio> make_bluez_radio();

}  // namespace skerry::drivers::bluetooth
