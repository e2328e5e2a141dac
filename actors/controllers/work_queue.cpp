#include "actors/controllers/work_queue.hpp"

#include <algorithm>

namespace skerry::controllers {

void work_queue::mark(const key& k) {
  if (auto w = working_.find(k); w != working_.end()) {
    w->second = true;
    return;
  }
  unschedule(k);
  if (dirty_.insert(k).second) order_.push_back(k);
}

void work_queue::mark_at(const key& k, int64_t at_ms) {
  if (dirty_.contains(k)) return;
  if (auto d = due_.find(k); d != due_.end()) {
    if (d->second <= at_ms) return;
    unschedule(k);
  }
  due_.emplace(k, at_ms);
  by_time_.emplace(at_ms, k);
}

std::optional<work_queue::key> work_queue::take(int64_t now_ms) {
  while (!by_time_.empty() && by_time_.begin()->first <= now_ms) {
    auto k = by_time_.begin()->second;
    unschedule(k);
    mark(k);
  }
  if (order_.empty()) return std::nullopt;
  auto k = std::move(order_.front());
  order_.pop_front();
  dirty_.erase(k);
  working_.emplace(k, false);
  return k;
}

void work_queue::done(const key& k) {
  failures_.erase(k);
  end(k);
}

int64_t work_queue::failed(const key& k, int64_t now_ms, int64_t wait_ms_max, int64_t wait_ms_min) {
  auto n = failures_[k]++;
  auto wait = std::max(wait_ms_min, n >= 13 ? wait_ms_max : std::min(wait_ms_max, backoff_ms_min << n));
  // A mark that came meanwhile does not shorten the wait: what failed may fail for the same cause.
  working_.erase(k);
  unschedule(k);
  mark_at(k, now_ms + wait);
  return wait;
}

uint32_t work_queue::failures(const key& k) const {
  auto f = failures_.find(k);
  return f == failures_.end() ? 0 : f->second;
}

std::optional<int64_t> work_queue::next_due() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

void work_queue::clear() {
  order_.clear();
  dirty_.clear();
  due_.clear();
  by_time_.clear();
  failures_.clear();
  for (auto& [k, again] : working_) again = false;
}

void work_queue::end(const key& k) {
  auto w = working_.find(k);
  if (w == working_.end()) return;
  bool again = w->second;
  working_.erase(w);
  if (again) mark(k);
}

void work_queue::unschedule(const key& k) {
  auto d = due_.find(k);
  if (d == due_.end()) return;
  by_time_.erase({d->second, k});
  due_.erase(d);
}

}  // namespace skerry::controllers
