#pragma once
#include <variant>

#include "schema/device/config.hpp"

namespace skerry::device {

/// The four kinds of the Modbus data model (MODBUS Application Protocol V1.1b3, section 4.3).
enum class modbus_kind : uint8_t { coil, discrete, input, holding };

/// Where a property stands: `visitors.configData` with `register`, `offset`, `limit`.
struct modbus_visitor {
  modbus_kind kind = modbus_kind::holding;
  uint16_t offset = 0;  ///< the address in the PDU, from 0
  uint16_t count = 1;   ///< registers or bits: 1 to 125 registers, 1 to 2000 bits, none beyond 65535
  int bit = -1;         ///< the one bit of a register that is meant; -1: all of it

  bool bits() const { return kind == modbus_kind::coil || kind == modbus_kind::discrete; }
  bool writable() const { return kind == modbus_kind::coil || kind == modbus_kind::holding; }
};
std::variant<modbus_visitor, problem> read_modbus_visitor(const json::object& config);

/// Do both stand in one register, and mean the same part of it?
bool overlap(const modbus_visitor& a, const modbus_visitor& b);

/// Where a device is: `protocol.configData` with `ip`, `port`, `slaveID`, or `serialPort`, `baudRate`, `dataBits`,
/// `parity`, `stopBits`, `slaveID`; and of our own `timeout` (ms for one answer, 10 to 4000; 1000) and `gap` (how many
/// registers that nobody wants are read along, so that two blocks become one request; 8).
struct modbus_address {
  std::string host;  ///< empty: a serial line
  uint16_t port = 502;
  std::string serial;
  int baud = 9600, data_bits = 8, stop_bits = 1;
  char parity = 'N';
  int slave = 1;  ///< 1 to 247; 0 and 255 too over TCP
  uint32_t timeout_ms = 1'000;
  uint16_t gap = 8;

  /// Names the bus: devices that share it take turns.
  std::string bus() const { return host.empty() ? serial : host + ":" + std::to_string(port); }
};
std::variant<modbus_address, problem> read_modbus_address(const json::object& config);

}  // namespace skerry::device
