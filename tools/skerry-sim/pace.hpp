#pragma once
#include <algorithm>
#include <cstdint>

namespace skerry::tools {

/// How far virtual time may go at a moment of real time. What a world cannot keep up with is not caught up later: after
/// a stall of more than `behind_ms_max` of real time it goes on from where it is. Pure.
class pace {
public:
  static constexpr int64_t behind_ms_max = 1'000;

  /// `speed`: virtual milliseconds for each real one; 0: as fast as it goes.
  pace(double speed, int64_t real_ms, int64_t virtual_ms) : speed_(speed), real_ms_(real_ms), virtual_ms_(virtual_ms) {}

  /// How far the world may go now, if it is at `virtual_ms`; never less than where it is.
  int64_t target(int64_t real_ms, int64_t virtual_ms) {
    if (speed_ <= 0) return virtual_ms + unbound_ms;
    auto due = virtual_ms_ + static_cast<int64_t>(static_cast<double>(real_ms - real_ms_) * speed_);
    if (static_cast<double>(due - virtual_ms) > static_cast<double>(behind_ms_max) * speed_) {
      slipped_ms_ += due - virtual_ms;
      real_ms_ = real_ms;
      due = virtual_ms_ = virtual_ms;
    }
    return std::max(due, virtual_ms);
  }
  /// Virtual time that was given up, as the world did not keep up.
  int64_t slipped_ms() const { return slipped_ms_; }

private:
  static constexpr int64_t unbound_ms = 1'000;
  double speed_;
  int64_t real_ms_, virtual_ms_, slipped_ms_ = 0;
};

}  // namespace skerry::tools
