#pragma once
#include <pthread.h>

#include <actors/ports/clock.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace skerry::drivers::oci {

/// One thread that waits: for processes to end, for output, for deadlines. Callbacks run on it and are short; they are
/// called once (a descriptor is watched again by another call).
class loop {
public:
  explicit loop(ports::clock& clock);
  ~loop() { stop(); }
  /// Calls `f` when `fd` is readable or closed. The descriptor stays the caller's. Returns a ticket for forget().
  uint64_t when_readable(int fd, std::function<void()> f);
  /// Calls `f` at `ms` from now.
  uint64_t after(uint32_t ms, std::function<void()> f);
  /// What has not been called yet will not be. To be called on the loop's own thread, or when a late call is harmless.
  void forget(uint64_t ticket);
  void stop();

private:
  struct waiting {
    int fd = -1;
    int64_t at = 0;
    std::function<void()> f;
  };
  static void* main(void* self);
  void run();
  void wake();
  int timeout_ms();
  void call(uint64_t ticket);

  ports::clock& clock_;
  int epoll_ = -1, wake_ = -1;
  std::mutex mutex_;
  std::map<uint64_t, waiting> waiting_;
  std::multimap<int64_t, uint64_t> timers_;
  uint64_t last_ = 0;
  pthread_t thread_{};
  bool started_ = false, stopped_ = false;
};

}  // namespace skerry::drivers::oci
