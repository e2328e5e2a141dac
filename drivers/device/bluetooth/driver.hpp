#pragma once
#include "actors/ports/device.hpp"
#include "drivers/device/bluetooth/radio.hpp"

namespace skerry::drivers::bluetooth {

/// How patient the driver is.
struct patience {
  uint32_t connect_ms = 12'000;   ///< for a connection; a device that advertises is there within 2 s
  uint32_t pause_ms_min = 1'000;  ///< before the next try; doubles
  uint32_t pause_ms_max = 30'000;
  /// At least that between our closing a connection and the next one to the same device. Linux 6.1 has been seen to
  /// corrupt its list of connections when that is quicker.
  uint32_t after_close_ms = 4'000;
};

/// Bluetooth LE peripherals by GATT. One thread for all, from the first device to the last; none before. A device is
/// connected from the moment on it is known, and again when the connection is lost. A characteristic that tells by
/// itself is read once; then a read gives what it told last.
std::unique_ptr<ports::device_driver> make_driver(std::unique_ptr<radio> air, patience p = {});

}  // namespace skerry::drivers::bluetooth
