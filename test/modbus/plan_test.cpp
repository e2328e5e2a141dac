#include "drivers/device/modbus/plan.hpp"

#include <boost/test/unit_test.hpp>

using namespace skerry;
using namespace skerry::drivers::modbus;
using device::modbus_kind;

namespace {

wanted_point at(uint32_t point, modbus_kind kind, int offset, int count = 1, bool alone = false) {
  return {point, {kind, static_cast<uint16_t>(offset), static_cast<uint16_t>(count), -1}, alone};
}

std::string shown(const std::vector<block>& blocks) {
  static const char* const names[] = {"c", "d", "i", "h"};
  std::string out;
  for (const auto& b : blocks) {
    out +=
        std::string{names[static_cast<int>(b.kind)]} + std::to_string(b.offset) + "+" + std::to_string(b.count) + ":";
    for (auto p : b.points) out += std::to_string(p) + (p == b.points.back() ? "" : ",");
    out += ' ';
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_suite)

BOOST_AUTO_TEST_CASE(blocks) {
  auto h = modbus_kind::holding;
  BOOST_TEST(shown(plan_reads({}, 8)) == "");
  BOOST_TEST(shown(plan_reads({at(0, h, 10), at(1, h, 11, 2), at(2, h, 13)}, 0)) == "h10+4:0,1,2 ");
  BOOST_TEST(shown(plan_reads({at(0, h, 10), at(1, h, 20)}, 8)) == "h10+1:0 h20+1:1 ");
  BOOST_TEST(shown(plan_reads({at(0, h, 10), at(1, h, 19)}, 8)) == "h10+10:0,1 ");
  BOOST_TEST(shown(plan_reads({at(1, h, 19), at(0, h, 10)}, 8)) == "h10+10:0,1 ");
  BOOST_TEST(shown(plan_reads({at(0, h, 10, 4), at(1, h, 11)}, 0)) == "h10+4:0,1 ");  // one within another
  BOOST_TEST(shown(plan_reads({at(0, h, 0), at(1, modbus_kind::input, 0), at(2, modbus_kind::coil, 0)}, 8)) ==
             "c0+1:2 i0+1:1 h0+1:0 ");
  BOOST_TEST(shown(plan_reads({at(0, h, 0, 100), at(1, h, 100, 25), at(2, h, 125)}, 8)) == "h0+125:0,1 h125+1:2 ");
  BOOST_TEST(shown(plan_reads({at(0, h, 0), at(1, h, 1, 1, true), at(2, h, 2)}, 8)) == "h1+1:1 h0+3:0,2 ");
  BOOST_TEST(shown(plan_reads({at(0, h, 65535), at(1, h, 65530)}, 8)) == "h65530+6:1,0 ");
}

BOOST_AUTO_TEST_SUITE_END()
