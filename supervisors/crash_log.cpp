#include "supervisors/crash_log.hpp"

namespace skerry::supervisors {

void crash_log::add(crash_report r) {
  std::lock_guard lock{mutex_};
  ++total_;
  entries_.push_back(std::move(r));
  if (entries_.size() > entries_max_) entries_.pop_front();
}

std::vector<crash_report> crash_log::reports() const {
  std::lock_guard lock{mutex_};
  return {entries_.begin(), entries_.end()};
}

uint64_t crash_log::total() const {
  std::lock_guard lock{mutex_};
  return total_;
}

}  // namespace skerry::supervisors
