#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tools/skerry/commands.hpp"

namespace skerry::tools {

/// The REPL is a program of its own beside this one, so that what it needs costs a running cloud or edge nothing.
int run_repl(const options& o, char** argv) {
  std::error_code ec;
  auto me = std::filesystem::read_symlink("/proc/self/exe", ec);
  auto program = (me.parent_path() / "skerry-repl").string();
  ::execv(program.c_str(), argv);
  return fail(o, "cannot run " + program + ": " + std::strerror(errno) + "; it is installed beside skerry");
}

}  // namespace skerry::tools
