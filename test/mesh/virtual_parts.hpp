#pragma once
#include <caf/detail/test_actor_clock.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "actors/base/context.hpp"
#include "sim/ports/seeded_random.hpp"

/// The outside world of a test in one thread and virtual time.
namespace skerry::test {

using seeded_chance = sim::seeded_random;
struct virtual_clock : ports::clock {
  caf::detail::test_actor_clock* source = nullptr;
  int64_t steady_ms() const override {
    return 1'000'000 +
           std::chrono::duration_cast<std::chrono::milliseconds>(source->current_time.time_since_epoch()).count();
  }
  int64_t wall_skew_ms = 0;  ///< so much time has passed for people
  int64_t wall_ms() const override { return 1'764'000'000'000 + wall_skew_ms + steady_ms(); }
};
struct quiet_log : ports::log {
  bool loud = std::getenv("SKERRY_TEST_LOG") != nullptr;
  bool enabled(ports::severity) const override { return loud; }
  void write(ports::severity, std::string_view who, std::string_view text) override {
    if (loud) std::fprintf(stderr, "%.*s: %.*s\n", int(who.size()), who.data(), int(text.size()), text.data());
  }
};

}  // namespace skerry::test
