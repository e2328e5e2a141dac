#include "drivers/clock/system_clock.hpp"

#include <ctime>

namespace skerry::drivers {
namespace {
int64_t read_ns(clockid_t which) {
  timespec t{};
  clock_gettime(which, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}
int64_t read_ms(clockid_t which) { return read_ns(which) / 1'000'000; }
}  // namespace

int64_t system_clock::wall_ms() const { return read_ms(CLOCK_REALTIME); }
int64_t system_clock::steady_ms() const { return read_ms(CLOCK_BOOTTIME); }
int64_t system_clock::steady_ns() const { return read_ns(CLOCK_MONOTONIC); }

}  // namespace skerry::drivers
