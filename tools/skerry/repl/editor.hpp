#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tools/skerry/repl/complete.hpp"
#include "tools/skerry/repl/terminal.hpp"

namespace skerry::tools::repl {

/// What may have to be said while a line is typed: when `fd` is readable, `take` gives it and settles `fd`; empty:
/// nothing.
struct announcer {
  int fd = -1;
  std::function<std::string()> take;
};

/// Lines typed at a terminal, by libedit: emacs keys (or what ~/.editrc says), history, Ctrl-R, completion by Tab.
/// Ctrl-C drops the line, Ctrl-D on an empty one ends the input.
class editor {
public:
  /// `history_file` is made, mode 0600, if its folder can be; the latest 1,000 lines are kept, each once in a row.
  editor(terminal& t, std::string history_file, std::function<completion(std::string_view)> complete,
         announcer news = {});
  ~editor();
  editor(const editor&) = delete;
  editor& operator=(const editor&) = delete;

  /// The next line without its end; none when the input ended or the program is to end.
  std::optional<std::string> read(const std::string& prompt);

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

/// $XDG_STATE_HOME/skerry/repl_history, or below ~/.local/state.
std::string default_history_file();

}  // namespace skerry::tools::repl
