#include "actors/link/backoff.hpp"

#include <algorithm>

namespace skerry::link {

uint32_t backoff::next_ms(ports::random& chance, uint32_t at_least_ms) {
  uint64_t d = static_cast<uint64_t>(min_ms_) << std::min<uint32_t>(tries_, 20);
  d = std::min<uint64_t>(d, max_ms_);
  if (tries_ < 1000) ++tries_;
  auto wait = d / 2 + chance.next() % (d - d / 2 + 1);
  if (at_least_ms == 0) return static_cast<uint32_t>(wait);
  auto asked = std::min<uint64_t>(at_least_ms, 10ULL * 60 * 1000);  // a confused cloud cannot send us away for good
  return static_cast<uint32_t>(std::max(wait, asked + chance.next() % (asked / 4 + 1)));
}

}  // namespace skerry::link
