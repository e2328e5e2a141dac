#pragma once
#include <atomic>

#include "actors/ports/clock.hpp"

namespace skerry::sim {

/// Virtual time: it stands still until it is advanced.
class sim_clock : public ports::clock {
public:
  explicit sim_clock(int64_t wall_ms = 1'790'000'000'000) : wall_ms_(wall_ms) {}
  int64_t wall_ms() const override { return wall_ms_ + steady_ms_; }
  int64_t steady_ms() const override { return steady_ms_; }
  void advance(int64_t ms) { steady_ms_ += ms; }
  /// Moves the wall clock alone, as an administrator does.
  void jump(int64_t ms) { wall_ms_ += ms; }

private:
  std::atomic<int64_t> wall_ms_, steady_ms_{1'000};
};

}  // namespace skerry::sim
