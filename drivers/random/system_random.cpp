#include "drivers/random/system_random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace skerry::drivers {

uint64_t system_random::next() {
  std::lock_guard lock{mutex_};
  if (left_ == 0) {
    ssize_t got;
    do {
      got = getrandom(block_.data(), sizeof block_, 0);
    } while (got < 0 && errno == EINTR);
    if (got != static_cast<ssize_t>(sizeof block_)) {
      std::fputs("getrandom(2) gives no random bytes; cannot make keys or ids\n", stderr);
      std::abort();
    }
    left_ = block_.size();
  }
  return std::exchange(block_[--left_], 0);
}

}  // namespace skerry::drivers
