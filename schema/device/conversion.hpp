#pragma once
#include <caf/expected.hpp>
#include <memory>
#include <variant>
#include <vector>

#include "schema/device/config.hpp"

namespace skerry::device {

/// What a device gave, before it means something: registers of 16 bits in the order of their addresses, bits, or a text
/// that is the value as it stands (a number, "true", ...), or its bytes (struct octet_rules).
struct raw_value {
  std::vector<uint16_t> words;
  std::vector<bool> bits;
  std::string text{};
  bool operator==(const raw_value&) const = default;
};

/// DeviceModel spec.properties[].type.
enum class value_type : uint8_t { integer, real32, real64, text, boolean, bytes, stream };
std::optional<value_type> type_of(std::string_view name);
std::string_view name_of(value_type t);

/// How the value stands in its registers.
enum class representation : uint8_t { unsigned_number, signed_number, float32, float64, bcd, text, bytes, flag };

struct octet_rules;

/// How raw values become values. `visitors.configData`: `isSwap` (the two bytes of each register), `isRegisterSwap`
/// (the order of the registers), `scale`; and of our own `valueOffset`, `signed`, `dataType` (int, uint, float, double,
/// bcd, string, bytes, bool: where it is not what the type of the property says), `bit` (0 to 15).
struct conversion {
  value_type type = value_type::integer;
  representation form = representation::unsigned_number;
  bool swap_bytes = false, swap_words = false;
  double scale = 1, offset = 0;
  int bit = -1;
  uint16_t count = 1;                           ///< registers or bits
  bool bits = false;                            ///< coils or discrete inputs
  bool plain = false;                           ///< a text: no registers
  std::shared_ptr<const octet_rules> octets{};  ///< set: raw_value::text holds the bytes that a device gave
};

/// Reads a conversion for a property of `type` that stands in `count` registers (or bits). `negative`: the model's
/// minimum is below 0, which an unsigned register cannot hold, so integers are signed; else they are unsigned, as
/// KubeEdge's mapper reads them. Registers: 1 to 4 for numbers, 2 or 4 for floats.
std::variant<conversion, problem> read_conversion(value_type type, const json::object& config, uint16_t count,
                                                  bool bits, bool negative);

/// Reads a conversion for a property that comes as a text (MQTT): `scale`, `valueOffset`.
std::variant<conversion, problem> read_text_conversion(value_type type, const json::object& config);

/// The value as the text that a twin shows: integers in decimal; numbers with as many digits as are needed, at most 12;
/// "true" or "false"; texts without the NULs and spaces at their end; bytes in hex. Value = raw * scale + offset; an
/// INT is rounded. Errors: errc::corrupt for a digit that is none (BCD), a float that is no number, a text that is not
/// UTF-8, another count than was asked for, a text that is no such value ("on" and "off" are booleans too).
caf::expected<std::string> to_text(const conversion& c, const raw_value& raw);

/// The other way round. Errors: errc::invalid for a text that is no such value, one that does not fit the registers,
/// and for a single bit of a register.
caf::expected<raw_value> from_text(const conversion& c, std::string_view text);

/// The number that a text is, for bounds and dead bands; none if it is no finite number.
std::optional<double> number_of(std::string_view text);

}  // namespace skerry::device
