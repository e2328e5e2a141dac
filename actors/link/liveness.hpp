#pragma once
#include <algorithm>
#include <cstdint>

#include "schema/limits.hpp"

namespace skerry::link {

/// The times of a link, in milliseconds. The defaults are what both ends expect of each other.
struct timing {
  uint32_t ping_ms = limits::ping_ms;
  uint32_t half_open_ms = limits::half_open_ms;
  uint32_t connect_ms = limits::connect_ms_max;
};

/// Tells a quiet connection from a half-open one. A pure function of times (steady milliseconds): every frame that
/// arrives counts as heard; a ping asks for one. Both sides run it. The edge pings `always`, for its lease depends on
/// being heard; the cloud only when it hears nothing.
class liveness {
public:
  enum class action : uint8_t { none, ping, dead };

  liveness(int64_t now_ms, bool always, uint32_t ping_ms, uint32_t dead_ms)
      : always_(always), ping_ms_(ping_ms), dead_ms_(dead_ms), heard_ms_(now_ms), pinged_ms_(now_ms) {}

  void heard(int64_t now_ms) { heard_ms_ = now_ms; }
  void pinged(int64_t now_ms) { pinged_ms_ = now_ms; }
  int64_t heard_ms() const { return heard_ms_; }

  action check(int64_t now_ms) const {
    if (now_ms - heard_ms_ >= dead_ms_) return action::dead;
    return now_ms >= ping_due() ? action::ping : action::none;
  }
  /// When to check again: at least 1 ms ahead of `now_ms`.
  int64_t next_check_ms(int64_t now_ms) const {
    return std::max(now_ms + 1, std::min(ping_due(), heard_ms_ + dead_ms_));
  }

private:
  int64_t ping_due() const { return (always_ ? pinged_ms_ : std::max(pinged_ms_, heard_ms_)) + ping_ms_; }

  bool always_;
  uint32_t ping_ms_, dead_ms_;
  int64_t heard_ms_, pinged_ms_;
};

}  // namespace skerry::link
