#include "pool.hpp"

#include <sched.h>
#include <signal.h>

#include <algorithm>

namespace skerry::drivers::oci {

bool start_thread(pthread_t& thread, void* (*main)(void*), void* argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool ok = pthread_create(&thread, &attributes, main, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  return ok;
}

bool pool::post(std::string key, std::function<void()> task) {
  std::lock_guard guard{mutex_};
  if (stopped_ || queue_.size() >= queue_max_) return false;
  queue_.push_back({std::move(key), std::move(task)});
  if (!held_) grow();
  changed_.notify_one();
  return true;
}

void pool::grow() {
  if (queue_.size() <= idle_ || threads_.size() >= threads_max_) return;
  pthread_t thread;
  if (start_thread(thread, &pool::main, this)) threads_.push_back(thread);
}

void pool::hold() {
  std::lock_guard guard{mutex_};
  held_ = true;
}

void pool::resume() {
  std::lock_guard guard{mutex_};
  held_ = false;
  for (size_t i = 0; i < queue_.size(); ++i) grow();
  changed_.notify_all();
}

void pool::stop() {
  std::vector<pthread_t> threads;
  {
    std::lock_guard guard{mutex_};
    stopped_ = true;
    held_ = false;
    if (!queue_.empty()) grow();
    threads.swap(threads_);
    changed_.notify_all();
  }
  for (auto t : threads) pthread_join(t, nullptr);
}

void* pool::main(void* self) {
  unshare(CLONE_FS);  // chdir() of one thread is not that of another: overlay mounts use short, relative paths
  static_cast<pool*>(self)->run();
  return nullptr;
}

void pool::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    auto next = held_ ? queue_.end() : std::find_if(queue_.begin(), queue_.end(), [this](const entry& e) {
      return e.key.empty() || !busy_.contains(e.key);
    });
    if (next == queue_.end()) {
      if (stopped_ && queue_.empty()) return;
      ++idle_;
      changed_.wait(lock);
      --idle_;
      continue;
    }
    auto e = std::move(*next);
    queue_.erase(next);
    if (!e.key.empty()) busy_.insert(e.key);
    lock.unlock();
    e.task();
    e.task = nullptr;
    lock.lock();
    if (!e.key.empty()) busy_.erase(e.key);
    if (!queue_.empty() || stopped_) changed_.notify_all();
  }
}

}  // namespace skerry::drivers::oci
