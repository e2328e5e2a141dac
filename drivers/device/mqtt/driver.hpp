#pragma once
#include "actors/ports/device.hpp"

namespace skerry::drivers::mqtt {

/// Devices that speak MQTT 3.1.1, by libmosquitto. A thread for each broker and user, from the first device to the
/// last; none before. A read gives what the device said last.
std::unique_ptr<ports::device_driver> make_driver();

}  // namespace skerry::drivers::mqtt
