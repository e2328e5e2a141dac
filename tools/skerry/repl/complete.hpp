#pragma once
#include <functional>

#include "tools/skerry/repl/parse.hpp"

namespace skerry::tools::repl {

/// Where completion gets names from that only a running system knows. Each answers soon, or with nothing.
struct name_sources {
  std::function<std::vector<std::string>(const std::string& start)> paths;  ///< whole paths that begin with `start`
  std::function<std::vector<std::string>()> nodes;
  std::function<std::vector<std::string>()> messages;
};

/// What may stand in place of the word before the cursor.
struct completion {
  size_t begin = 0;    ///< where in the line that word begins
  std::string common;  ///< what all candidates begin with, to be put there; never shorter than the word
  std::vector<std::string> candidates;  ///< in order; whole words
  /// True when `common` is the only candidate and nothing goes on below it: a space follows.
  bool whole = false;
};

/// Completes the word that ends at the cursor, the end of `line`. Pure but for `from`.
completion complete(std::string_view line, const name_sources& from);

/// Cuts paths off behind the next "/" after `start`: one level at a time, each once; those with more below end in "/".
std::vector<std::string> next_level(const std::vector<std::string>& paths, std::string_view start);

}  // namespace skerry::tools::repl
