#include "loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "pool.hpp"

namespace skerry::drivers::oci {

loop::loop(ports::clock& clock) : clock_{clock} {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event e{};
  e.events = EPOLLIN;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &e);
  started_ = start_thread(thread_, &loop::main, this);
}

uint64_t loop::when_readable(int fd, std::function<void()> f) {
  std::lock_guard guard{mutex_};
  auto ticket = ++last_;
  waiting_[ticket] = {fd, 0, std::move(f)};
  epoll_event e{};
  e.events = EPOLLIN | EPOLLONESHOT;
  e.data.u64 = ticket;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) != 0) epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &e);
  return ticket;
}

uint64_t loop::after(uint32_t ms, std::function<void()> f) {
  std::lock_guard guard{mutex_};
  auto ticket = ++last_;
  auto at = clock_.steady_ms() + ms;
  waiting_[ticket] = {-1, at, std::move(f)};
  timers_.emplace(at, ticket);
  wake();
  return ticket;
}

void loop::forget(uint64_t ticket) {
  std::lock_guard guard{mutex_};
  auto i = waiting_.find(ticket);
  if (i == waiting_.end()) return;
  if (i->second.fd >= 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, i->second.fd, nullptr);
  } else {
    auto [from, to] = timers_.equal_range(i->second.at);
    auto t = std::find_if(from, to, [&](auto& e) { return e.second == ticket; });
    if (t != to) timers_.erase(t);
  }
  waiting_.erase(i);
}

void loop::wake() {
  uint64_t one = 1;
  [[maybe_unused]] auto n = write(wake_, &one, sizeof one);
}

void loop::stop() {
  {
    std::lock_guard guard{mutex_};
    if (stopped_) return;
    stopped_ = true;
    wake();
  }
  if (started_) pthread_join(thread_, nullptr);
  close(epoll_);
  close(wake_);
}

void* loop::main(void* self) {
  static_cast<loop*>(self)->run();
  return nullptr;
}

int loop::timeout_ms() {
  std::lock_guard guard{mutex_};
  if (stopped_) return 0;
  if (timers_.empty()) return -1;
  return static_cast<int>(std::clamp<int64_t>(timers_.begin()->first - clock_.steady_ms(), 0, 60'000));
}

void loop::call(uint64_t ticket) {
  std::function<void()> f;
  {
    std::lock_guard guard{mutex_};
    auto i = waiting_.find(ticket);
    if (i == waiting_.end()) return;
    f = std::move(i->second.f);
    if (i->second.fd >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, i->second.fd, nullptr);
    waiting_.erase(i);
  }
  f();
}

void loop::run() {
  epoll_event events[16];
  for (;;) {
    int n = epoll_wait(epoll_, events, 16, timeout_ms());
    std::vector<uint64_t> due;
    for (int i = 0; i < n; ++i) {
      if (events[i].data.u64 != 0) {
        due.push_back(events[i].data.u64);
        continue;
      }
      uint64_t count;
      [[maybe_unused]] auto r = read(wake_, &count, sizeof count);
    }
    {
      std::lock_guard guard{mutex_};
      if (stopped_) return;
      auto now = clock_.steady_ms();
      while (!timers_.empty() && timers_.begin()->first <= now) {
        due.push_back(timers_.begin()->second);
        timers_.erase(timers_.begin());
      }
    }
    for (auto ticket : due) call(ticket);
  }
}

}  // namespace skerry::drivers::oci
