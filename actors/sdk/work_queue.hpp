#pragma once
#include "actors/controllers/work_queue.hpp"

namespace skerry::sdk {

/// Which keys a controller must look at, and when; what the cloud's own controllers use.
using controllers::work_queue;

/// How many tries in a second, over all keys: a bucket that holds `burst` and fills at `per_second`. Pure; time is
/// passed in (steady milliseconds).
class rate_limit {
public:
  rate_limit(double per_second, double burst) : per_ms_(per_second / 1000), burst_(burst), left_(burst) {}

  /// 0: go on, one is taken. Else: try again in so many milliseconds; nothing is taken.
  int64_t take(int64_t now_ms) {
    if (now_ms > at_ms_) left_ = at_ms_ == 0 ? burst_ : std::min(burst_, left_ + per_ms_ * double(now_ms - at_ms_));
    at_ms_ = now_ms;
    if (left_ >= 1) {
      left_ -= 1;
      return 0;
    }
    return static_cast<int64_t>((1 - left_) / per_ms_) + 1;
  }

private:
  double per_ms_, burst_, left_;
  int64_t at_ms_ = 0;
};

}  // namespace skerry::sdk
