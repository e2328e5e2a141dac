#include "drivers/device/modbus/plan.hpp"

#include <algorithm>
#include <tuple>

namespace skerry::drivers::modbus {

std::vector<block> plan_reads(std::vector<wanted_point> points, uint16_t gap) {
  std::stable_sort(points.begin(), points.end(), [](const wanted_point& a, const wanted_point& b) {
    return std::tuple(a.where.kind, a.where.offset) < std::tuple(b.where.kind, b.where.offset);
  });
  std::vector<block> out;
  auto open = false;  // may the last one grow?
  for (const auto& p : points) {
    auto max = p.where.bits() ? 2000 : 125;
    auto end = p.where.offset + p.where.count;
    if (open && !p.alone && out.back().kind == p.where.kind) {
      auto& b = out.back();
      auto b_end = b.offset + b.count;
      if (p.where.offset <= b_end + gap && std::max(end, b_end) - b.offset <= max) {
        b.count = static_cast<uint16_t>(std::max(end, b_end) - b.offset);
        b.points.push_back(p.point);
        continue;
      }
    }
    block fresh{p.where.kind, p.where.offset, p.where.count, {p.point}};
    // One that is read alone stands before the last, which others may still join.
    if (p.alone && open)
      out.insert(out.end() - 1, std::move(fresh));
    else
      out.push_back(std::move(fresh));
    open = open || !p.alone;
  }
  return out;
}

}  // namespace skerry::drivers::modbus
