#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace skerry::bench {

/// A child process that is ended with its object.
class process {
public:
  process() = default;
  process(process&& x) noexcept : pid_(x.pid_) { x.pid_ = -1; }
  process& operator=(process&& x) noexcept;
  ~process() { stop(); }
  /// Starts a program, found on the PATH; its output goes to `log_file`.
  static process start(const std::vector<std::string>& command, const std::string& log_file);
  pid_t pid() const { return pid_; }
  bool alive();
  /// SIGTERM, and after `grace_ms` SIGKILL; waits for the end.
  void stop(uint32_t grace_ms = 10'000);
  /// SIGKILL at once; waits for the end.
  void kill();

private:
  pid_t pid_ = -1;
};

/// Runs a program to its end and returns what it printed; throws std::runtime_error with its output if it fails.
std::string run(const std::vector<std::string>& command);

/// Memory of a process in bytes from /proc/PID/smaps_rollup; 0 if it is gone.
struct memory {
  uint64_t rss = 0, pss = 0, private_dirty = 0;
};
memory memory_of(pid_t pid);
/// CPU time of the threads that a process has now, user and system, in microseconds (/proc/PID/task/*/schedstat).
uint64_t cpu_us_of(pid_t pid);
/// Pids whose command name (/proc/PID/comm) is `name` and whose arguments hold `argument`.
std::vector<pid_t> pids_of(const std::string& name, const std::string& argument);
double now_ms();

}  // namespace skerry::bench
