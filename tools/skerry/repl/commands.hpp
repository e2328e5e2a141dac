#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::tools::repl {

enum class verb : uint8_t {
  tree,
  ls,
  info,
  crashes,
  links,
  twin,
  samples,
  trace,
  send,
  ask,
  kill,
  restart,
  suspend,
  resume,
  top,
  watch,
  log,
  messages,
  schema,
  help,
  quit,
};

/// What stands at a place of a command line. `json` and `expression` take the rest of the line as it is.
enum class slot : uint8_t { path, node, message, json, level, expression, command, text };

struct place {
  slot what;
  const char* name;  ///< as in the usage: "PATH"
  bool optional = false;
};

/// A flag and its number: "-n COUNT". All numbers are in seconds, or counts.
struct flag {
  char letter;
  const char* name;
  double least, most;
};

/// One command: all that parser, completion and help know of it.
struct command {
  verb what;
  const char* name;
  const char* summary;   ///< one line
  const char* details;   ///< further lines of help; may be empty
  const char* examples;  ///< lines, each a command and what it does
  std::vector<place> places;
  std::vector<flag> flags;

  /// It explains what this program knows itself.
  bool asks_nobody() const {
    return what == verb::messages || what == verb::schema || what == verb::help || what == verb::quit;
  }
};

/// All commands, in the order of the help.
const std::vector<command>& commands();
/// The command with this name, or null.
const command* find_command(std::string_view name);
std::vector<std::string> command_names();

/// "trace PATH [-n COUNT] [-t SECONDS]".
std::string usage(const command& c);
/// The help of one command, with examples.
std::string help(const command& c);
/// The list of all commands.
std::string overview();

/// Severities that `log` takes.
std::span<const std::string> log_levels();

}  // namespace skerry::tools::repl
