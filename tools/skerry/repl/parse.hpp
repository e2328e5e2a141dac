#pragma once
#include <caf/expected.hpp>
#include <optional>

#include "tools/skerry/repl/commands.hpp"

namespace skerry::tools::repl {

/// A command line, understood.
struct call {
  const command* what = nullptr;
  std::string path;                              ///< of a slot `path`; empty: none was given
  std::string message;                           ///< name of a message
  std::string rest;                              ///< JSON, expression, node, level, name of a command, text
  std::optional<double> count, seconds, levels;  ///< -n; -i or -t; -d
};

/// A word of a line: where it begins, where it ends (behind a closing quote), and what it says without quotes.
struct word {
  size_t begin = 0, end = 0;
  std::string text;
  bool open = false;  ///< a quote is not closed
};

/// Cuts a line into words at white space. '...' and "..." hold white space; in "..." a backslash takes the next letter
/// as it is. Pure.
std::vector<word> words_of(std::string_view line);

/// The place in `c` that the word with this number (from 0, behind the command's name) fills, where flags and their
/// numbers are not counted; null: none. `words` are those before and including it.
const place* place_at(const command& c, std::span<const word> words);

/// Understands one line. An empty line and one that begins with # give a call without a command. Errors: errc::invalid,
/// with what is wrong, what is near, and the usage.
caf::expected<call> parse_line(std::string_view line);

}  // namespace skerry::tools::repl
