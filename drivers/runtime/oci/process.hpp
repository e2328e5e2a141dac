#pragma once
#include <sys/types.h>

#include <atomic>
#include <caf/expected.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::drivers::oci {

/// A program to run. Never by a shell; environment is given whole.
struct command {
  std::vector<std::string> arguments;         ///< [0] is the program's absolute path
  std::vector<std::string> environment;       ///< "NAME=value"
  std::string input;                          ///< to stdin, at most 64 KiB (a pipe's buffer)
  std::vector<std::string> cgroup_files;      ///< cgroup.procs files that the child enters before it runs
  std::string output_file;                    ///< stdout and stderr, when not captured; empty: nowhere
  int stdin_fd = -1;                          ///< instead of `input`
  int pass_fd = -1;                           ///< given to the child as descriptor 3
  bool own_session = false;                   ///< and lives on when we die; all others are killed with us
  const std::atomic<bool>* cancel = nullptr;  ///< run() looks here, and kills the child when it turns true
};

/// A running child: `pidfd` turns readable when it ends; `output_fd` (stdout and stderr; -1 if not asked) is
/// non-blocking.
struct child {
  pid_t pid = -1;
  int pidfd = -1, output_fd = -1;
};

struct outcome {
  int exit_code = -1;  ///< 128 + signal when killed
  bool timed_out = false;
  std::string output;  ///< the first and last parts, when it was longer than the bound
  bool ok() const { return exit_code == 0 && !timed_out; }
};

/// Starts a child by vfork. Errors: errc::io with the program's name.
caf::expected<child> start(const command& c, bool capture);

/// Waits for a child that has ended and closes its descriptors. Returns its exit code.
int reap(child& c);

/// Runs to the end, at most `timeout_ms`; then SIGKILL. Output beyond `output_max` is read and dropped.
caf::expected<outcome> run(const command& c, uint32_t timeout_ms, size_t output_max = 16 * 1024);

/// As run, with errc::internal (or errc::timed_out) when the program fails; the error carries what it said.
caf::expected<std::string> run_ok(const command& c, uint32_t timeout_ms, size_t output_max = 16 * 1024);

/// True if the descriptor of a process says within `timeout_ms` that the process has ended.
bool ended_within(int pidfd, int timeout_ms);

/// pidfd_open(2); -1 if there is no such process.
int open_process(pid_t pid);

/// Ends all processes below `pid` and itself with SIGKILL.
void kill_tree(pid_t pid);

/// Returns the program's path if it is in the usual places, or an empty string.
std::string find_program(const std::string& name);

}  // namespace skerry::drivers::oci
