#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace skerry::supervisors {

/// What is left of a child that ended when it should not have.
struct crash_report {
  int64_t at_ms = 0;           ///< Unix time
  std::string path;            ///< who
  std::string why;             ///< its exit reason, or what its exception said
  uint32_t restarts = 0;       ///< how often it had been restarted before this end
  std::string last_message{};  ///< the type of the last message that it took up; empty if it took none
};

/// The latest crash reports of an island, and how many there ever were. Built by main; callable from any thread.
class crash_log {
public:
  explicit crash_log(size_t entries_max = 256) : entries_max_(entries_max) {}

  /// Keeps `r`; the oldest one goes when the log is full.
  void add(crash_report r);
  /// Returns the reports that are kept, oldest first.
  std::vector<crash_report> reports() const;
  /// Returns how many were ever added.
  uint64_t total() const;

private:
  mutable std::mutex mutex_;
  size_t entries_max_;
  uint64_t total_ = 0;
  std::deque<crash_report> entries_;
};

}  // namespace skerry::supervisors
