#pragma once
#include <array>
#include <mutex>

#include "actors/ports/random.hpp"

namespace skerry::drivers {

/// The kernel's generator (getrandom(2)), read in blocks of 256 bytes, which is what it gives without interruption.
/// Good for keys and tokens: bytes that were handed out are wiped from the block. Callable from any thread.
class system_random final : public ports::random {
public:
  /// Aborts the process if the kernel gives no random bytes: nothing here is safe without.
  uint64_t next() override;

private:
  std::mutex mutex_;
  std::array<uint64_t, 32> block_{};
  size_t left_ = 0;
};

}  // namespace skerry::drivers
