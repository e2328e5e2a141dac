#pragma once
#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace skerry::drivers::oci {

/// A few threads for blocking steps, started when first needed. Tasks of one key run one at a time, in order; those of
/// different keys side by side. An empty key runs beside all. Each thread has a working directory of its own.
class pool {
public:
  pool(uint32_t threads_max, uint32_t queue_max) : threads_max_{threads_max}, queue_max_{queue_max} {}
  ~pool() { stop(); }
  /// False if the queue is full or the pool is stopped; the task is then dropped.
  bool post(std::string key, std::function<void()> task);
  /// Nothing runs before resume() (the start's own collection of garbage).
  void hold();
  void resume();
  /// Runs what is queued, then ends the threads.
  void stop();

private:
  struct entry {
    std::string key;
    std::function<void()> task;
  };
  static void* main(void* self);
  void run();
  void grow();

  const uint32_t threads_max_, queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<entry> queue_;
  std::set<std::string> busy_;
  std::vector<pthread_t> threads_;
  uint32_t idle_ = 0;
  bool stopped_ = false, held_ = false;
};

/// Starts a thread with a small stack and all signals blocked.
bool start_thread(pthread_t& thread, void* (*main)(void*), void* argument);

}  // namespace skerry::drivers::oci
