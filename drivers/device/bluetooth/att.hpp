#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/device/bluetooth.hpp"

/// PDUs of the Attribute Protocol (Bluetooth Core 5.4, Vol 3 Part F, 3.4). Pure.
namespace skerry::drivers::bluetooth::att {

using bytes = std::vector<uint8_t>;
using view = std::span<const uint8_t>;

enum opcode : uint8_t {
  error_response = 0x01,
  mtu_request = 0x02,
  mtu_response = 0x03,
  information_request = 0x04,
  information_response = 0x05,
  by_type_request = 0x08,
  by_type_response = 0x09,
  read_request = 0x0a,
  read_response = 0x0b,
  blob_request = 0x0c,
  blob_response = 0x0d,
  by_group_request = 0x10,
  by_group_response = 0x11,
  write_request = 0x12,
  write_response = 0x13,
  prepare_request = 0x16,
  prepare_response = 0x17,
  execute_request = 0x18,
  execute_response = 0x19,
  notification = 0x1b,
  indication = 0x1d,
  confirmation = 0x1e,
  notifications = 0x23,  ///< Multiple Handle Value Notification
  write_command = 0x52,
};
enum code : uint8_t {
  invalid_handle = 0x01,
  insufficient_authentication = 0x05,
  not_supported = 0x06,
  invalid_offset = 0x07,
  not_found = 0x0a,
  not_long = 0x0b,
  insufficient_key_size = 0x0c,
  insufficient_encryption = 0x0f,
};

inline constexpr uint16_t mtu_min = 23, mtu_wanted = 517;
inline constexpr size_t value_bytes_max = 512;

inline uint16_t word(view p, size_t at) { return static_cast<uint16_t>(p[at] | p[at + 1] << 8); }
inline void put(bytes& out, uint16_t v) {
  out.push_back(static_cast<uint8_t>(v));
  out.push_back(static_cast<uint8_t>(v >> 8));
}

/// An opcode and handles or other words of 16 bits behind it.
bytes pdu(uint8_t op, std::initializer_list<uint16_t> words, view rest = {});
/// "insufficient encryption (0x0f)".
std::string text_of(uint8_t code);
bool wants_security(uint8_t code);

/// What a client without attributes of its own answers to a request of the peer; nothing to what is no request, or too
/// short for one.
std::optional<bytes> answer_to(view request);

/// One entry of a Find Information, Read By Type or Read By Group Type Response.
struct entry {
  uint16_t handle = 0, end = 0;  ///< `end`: of a group
  view value;                    ///< a view into the PDU
};
/// Entries of a response to a request from handle `from` on: all of one length, in rising order, none before `from`;
/// none otherwise.
std::vector<entry> entries_of(view response, uint16_t from);
/// A UUID of 2 or 16 bytes.
std::optional<device::gatt_uuid> uuid_in(view value);

}  // namespace skerry::drivers::bluetooth::att
