#include "actors/api/open_writes.hpp"

#include "actors/api/sessions.hpp"

namespace skerry::api {

bool open_writes::add(const write_job_ptr& job, int64_t now_ms) {
  std::lock_guard lock{mutex_};
  waiting_.emplace_back(now_ms + commit_ms_max, job);
  return waiting_.size() == 1;
}

std::vector<write_job_ptr> open_writes::overdue(int64_t now_ms) {
  std::vector<write_job_ptr> out;
  std::lock_guard lock{mutex_};
  // Answered jobs are gone, and with them what the weak pointers meant.
  while (!waiting_.empty() && (waiting_.front().second.expired() || waiting_.front().first <= now_ms)) {
    if (auto job = waiting_.front().second.lock()) out.push_back(std::move(job));
    waiting_.pop_front();
  }
  return out;
}

bool open_writes::empty() const {
  std::lock_guard lock{mutex_};
  return waiting_.empty();
}

}  // namespace skerry::api
