#pragma once
#include "actors/ports/clock.hpp"

namespace skerry::drivers {

/// The machine's clocks: CLOCK_REALTIME and CLOCK_BOOTTIME (which goes on while a laptop or a device sleeps, so that
/// deadlines and leases that passed meanwhile are seen as passed); what work took is read from CLOCK_MONOTONIC.
class system_clock final : public ports::clock {
public:
  int64_t wall_ms() const override;
  int64_t steady_ms() const override;
  int64_t steady_ns() const override;
};

}  // namespace skerry::drivers
