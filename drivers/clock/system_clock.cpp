#include "drivers/clock/system_clock.hpp"

#include <ctime>

namespace skerry::drivers {
namespace {
int64_t read_ms(clockid_t which) {
  timespec t{};
  clock_gettime(which, &t);
  return int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}
}  // namespace

int64_t system_clock::wall_ms() const { return read_ms(CLOCK_REALTIME); }
int64_t system_clock::steady_ms() const { return read_ms(CLOCK_BOOTTIME); }

}  // namespace skerry::drivers
