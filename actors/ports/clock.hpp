#pragma once
#include <cstdint>

namespace skerry::ports {

/// Time. Real: drivers/clock. In the simulator: virtual, with offset and drift for each island.
class clock {
public:
  virtual ~clock() = default;
  /// Unix time in milliseconds. May jump; for stamps that people read, never for spans.
  virtual int64_t wall_ms() const = 0;
  /// Milliseconds since some start; never goes back. For spans and deadlines.
  virtual int64_t steady_ms() const = 0;
  /// As steady_ms in ns, for measuring how long work took; it may stand still while the machine sleeps.
  virtual int64_t steady_ns() const { return steady_ms() * 1'000'000; }
};

}  // namespace skerry::ports
