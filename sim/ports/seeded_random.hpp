#pragma once
#include <random>

#include "actors/ports/random.hpp"

namespace skerry::sim {

/// Chance that one seed decides: the same seed draws the same numbers.
struct seeded_random final : ports::random {
  explicit seeded_random(uint64_t seed) : engine(seed) {}
  uint64_t next() override { return engine(); }
  /// Returns 0 to n - 1; n is not 0.
  uint64_t below(uint64_t n) { return engine() % n; }
  /// Returns first to last.
  int64_t between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(below(static_cast<uint64_t>(last - first) + 1));
  }
  std::mt19937_64 engine;
};

}  // namespace skerry::sim
