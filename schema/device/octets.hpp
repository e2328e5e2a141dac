#pragma once
#include <map>

#include "schema/device/conversion.hpp"

namespace skerry::device {

/// How a value stands in the bytes that a device gives at once, such as those of a GATT characteristic.
/// `visitors.configData`, KubeEdge's: `dataConverter` with `startIndex`, `endIndex` (both counted, from 0; the first
/// byte is the most significant one, so that 2 to 1 is the other way round), `shiftLeft`, `shiftRight`,
/// `orderOfOperations` (a list of `operationType` Add, Subtract, Multiply, Divide and `operationValue`), and
/// `dataWrite` (the bytes to write for a name, as a list or in base64). Of our own: `dataType`, `signed`, `bit`,
/// `scale`, `valueOffset` as for registers, and `size` (1 to 8: bytes of a number that is written).
struct octet_rules {
  static constexpr size_t bytes_max = 512;  ///< of a value (Bluetooth Core 5.4, Vol 3 Part F, 3.2.9)
  struct operation {
    char kind = '+';  ///< + - * /
    double by = 0;
  };
  bool sliced = false;  ///< else all bytes, the least significant one first if they are a number
  uint16_t first = 0, last = 0;
  uint8_t shift_left = 0, shift_right = 0;
  uint8_t size = 0;
  bool by_size = false;  ///< a float of 4 bytes, a double of 8, else a whole number
  std::vector<operation> operations;
  std::map<std::string, std::string, std::less<>> names;
};

/// Reads a conversion for a property that comes as bytes. `negative`: integers are signed, as for registers.
std::variant<conversion, problem> read_octet_conversion(value_type type, const json::object& config, bool negative);

/// As to_text() and from_text(), which call these. A STRING shows the name that `dataWrite` has for the bytes.
caf::expected<std::string> octets_to_text(const conversion& c, std::string_view bytes);
caf::expected<raw_value> octets_from_text(const conversion& c, std::string_view text);

}  // namespace skerry::device
