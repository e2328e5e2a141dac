#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace skerry::api {

class write_job;
using write_job_ptr = std::shared_ptr<write_job>;

/// The writes that are under way, by their deadlines. Made by main; callable from any thread.
class open_writes {
public:
  static constexpr int64_t commit_ms_max = 10'000;

  /// Adds a write that is sent now. True if it is the only one: sessions is then to look after it (`watch_deadlines`).
  bool add(const write_job_ptr& job, int64_t now_ms);
  /// Takes out those whose time is over. Writes that were answered are forgotten.
  std::vector<write_job_ptr> overdue(int64_t now_ms);
  bool empty() const;

private:
  mutable std::mutex mutex_;
  std::deque<std::pair<int64_t, std::weak_ptr<write_job>>> waiting_;  ///< in order
};
}  // namespace skerry::api
