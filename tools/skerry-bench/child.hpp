#pragma once
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace skerry::bench {

/// A second process of this very binary, in a helper mode, that is spoken to in lines: its standard input and output.
/// It ends when its input does, so that none outlives its parent.
class child {
public:
  /// Starts `skerry-bench ARGUMENTS...`; throws std::runtime_error.
  explicit child(const std::vector<std::string>& arguments);
  child(const child&) = delete;
  /// Closes its input, waits 5 s for its end, then kills it.
  ~child();

  pid_t pid() const { return pid_; }
  void say(const std::string& line);
  /// Its next line without the newline; throws std::runtime_error if none comes within `deadline_ms`.
  std::string hear(uint32_t deadline_ms);
  /// Its next line, which is "KEY VALUE [KEY VALUE]..."; other lines are refused by throwing.
  std::map<std::string, double> figures(uint32_t deadline_ms);

private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  std::string buffer_;
};

/// For the helper: the next line of standard input; empty at its end.
std::string hear_parent();
/// For the helper: one line to the parent.
void tell_parent(const std::string& line);

/// Helper modes of this binary; each takes its arguments after the name, returns the exit code.
int link_helper(const std::vector<std::string>& arguments);

}  // namespace skerry::bench
