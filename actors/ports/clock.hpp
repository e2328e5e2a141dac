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
};

}  // namespace skerry::ports
