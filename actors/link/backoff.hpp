#pragma once
#include <cstdint>

#include "actors/ports/random.hpp"
#include "schema/limits.hpp"

namespace skerry::link {

/// How long to wait before the next try. Doubles from `min_ms` to `max_ms`; each wait is drawn from the upper half
/// [d/2, d], so that a fleet that lost its cloud together does not come back together.
class backoff {
public:
  explicit backoff(uint32_t min_ms = limits::reconnect_ms_min, uint32_t max_ms = limits::reconnect_ms_max)
      : min_ms_(min_ms), max_ms_(max_ms) {}

  /// The wait before the next try, in milliseconds. `at_least_ms`: what the other side asked for; jitter of a quarter
  /// is added to that, so that it is kept and still spread.
  uint32_t next_ms(ports::random& chance, uint32_t at_least_ms = 0);
  /// To be called when a session stood: the next wait is short again.
  void reset() { tries_ = 0; }
  uint32_t tries() const { return tries_; }

private:
  uint32_t min_ms_, max_ms_;
  uint32_t tries_ = 0;
};

}  // namespace skerry::link
