#pragma once
#include <algorithm>
#include <cstdint>

namespace skerry::link {

/// At which rate sessions are let in: a bucket of one second's worth. Those over it are told when to come back, each
/// later than the one before, so that a returning fleet queues itself instead of knocking again and again. Pure.
class admission {
public:
  explicit admission(size_t per_second) : per_second_(std::max<size_t>(per_second, 1)) {}

  /// 0: let in now. Else: come back in so many milliseconds (at most a minute); the place is kept for that time.
  uint32_t ask(int64_t now_ms) {
    auto interval_us = static_cast<int64_t>(1'000'000 / per_second_);
    auto now_us = now_ms * 1000;
    next_us_ = std::max(next_us_, now_us - 1'000'000);  // what was not used within a second is lost
    if (next_us_ <= now_us) {
      next_us_ += interval_us;
      return 0;
    }
    deferred_us_ = std::max(deferred_us_, now_us) + interval_us;
    deferred_us_ = std::min(deferred_us_, now_us + 60'000'000);
    return static_cast<uint32_t>(std::max<int64_t>(1, (deferred_us_ - now_us) / 1000));
  }

private:
  size_t per_second_;
  int64_t next_us_ = INT64_MIN / 2;  ///< when the next token is due
  int64_t deferred_us_ = 0;          ///< until when those sent away are spread
};

}  // namespace skerry::link
