#pragma once
#include "actors/ports/device.hpp"

namespace skerry::drivers::modbus {

/// Modbus TCP and RTU by libmodbus. A thread for each bus (a host and port, or a serial line) from its first device to
/// its last; none before. Parameters of a line are those of the first device on it.
std::unique_ptr<ports::device_driver> make_driver();

}  // namespace skerry::drivers::modbus
