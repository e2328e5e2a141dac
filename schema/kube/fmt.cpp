#include "schema/kube/fmt.hpp"

#include "schema/json.hpp"

namespace skerry::kube {
namespace {
/// "5m30s", or "5m" where the smaller part is zero.
std::string two(int64_t big, char big_unit, int64_t small, char small_unit) {
  auto out = std::to_string(big) + big_unit;
  if (small != 0) out += std::to_string(small) + small_unit;
  return out;
}
}  // namespace

std::string human_duration(int64_t ms) {
  auto seconds = ms / 1000;
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return std::to_string(seconds) + "s";
  auto minutes = seconds / 60;
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return std::to_string(minutes) + "m";
  auto hours = minutes / 60;
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return std::to_string(hours) + "h";
  auto days = hours / 24;
  if (hours < 192) return two(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return std::to_string(days) + "d";
  if (hours < 24 * 365 * 8) return two(days / 365, 'y', days % 365, 'd');
  return std::to_string(days / 365) + "y";
}

std::string human_age(std::string_view time, int64_t now_ms) {
  auto t = parse_time(time);
  return t ? human_duration(now_ms - *t) : "<unknown>";
}

}  // namespace skerry::kube
