#pragma once
#include <caf/expected.hpp>

#include "schema/json.hpp"

namespace skerry::drivers::modbus {

/// Asks each unit of a line or a TCP server (or the one that `where` names) for its first registers; one that answers,
/// be it with an exception, is there. A silent unit takes `timeout` (100 ms if absent).
caf::expected<json::array> scan(const json::object& where, uint32_t deadline_ms);

}  // namespace skerry::drivers::modbus
