#pragma once
#include <cstdint>
#include <vector>

#include "schema/device/modbus.hpp"

namespace skerry::drivers::modbus {

struct wanted_point {
  uint32_t point = 0;
  device::modbus_visitor where;
  bool alone = false;  ///< not read together with others: its register may not exist
};

/// One request: `count` registers or bits of a kind from `offset`, and the points that it answers.
struct block {
  device::modbus_kind kind = device::modbus_kind::holding;
  uint16_t offset = 0, count = 0;
  std::vector<uint32_t> points;
};

/// Merges points into as few blocks as they fit in: of one kind, with at most `gap` registers (or bits) between two of
/// them that nobody wants, at most 125 registers or 2000 bits in one (MODBUS Application Protocol V1.1b3, 6.1 to 6.4).
/// Pure.
std::vector<block> plan_reads(std::vector<wanted_point> points, uint16_t gap);

}  // namespace skerry::drivers::modbus
