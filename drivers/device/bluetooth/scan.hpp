#pragma once
#include "drivers/device/bluetooth/att.hpp"
#include "drivers/device/bluetooth/radio.hpp"

namespace skerry::drivers::bluetooth {

/// Reads a Device Found event's parameters (BlueZ's doc/mgmt-api.txt): address, type, RSSI, flags, advertising data
/// (Bluetooth Core 5.4, Vol 3 Part C, 11). None if they are cut off, or the device is not one of Low Energy.
std::optional<advertisement> advertisement_of(att::view parameters);

/// Scans on a socket of the kernel's management interface, for LE devices; stops the scan. At most 1,024 devices.
caf::expected<std::vector<advertisement>> scan_on(int fd, uint16_t adapter, std::chrono::milliseconds how_long);

/// Ends a device's connection, and takes it off the kernel's list of those to connect to by itself (BlueZ's daemon puts
/// those there that are paired), on a socket of the management interface. `address`: as it goes over the air.
bool release_on(int fd, uint16_t adapter, att::view address, device::bluetooth_address_type type);

}  // namespace skerry::drivers::bluetooth
