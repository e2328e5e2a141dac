#pragma once
#include <caf/make_message.hpp>

#include "schema/json.hpp"
#include "schema/vocabulary.hpp"
#include "tools/skerry/repl/codec.hpp"
#include "tools/skerry/repl/complete.hpp"
#include "tools/skerry/repl/expression.hpp"
#include "tools/skerry/repl/remote.hpp"
#include "tools/skerry/repl/show.hpp"
#include "tools/skerry/repl/terminal.hpp"

namespace skerry::tools::repl {

/// Runs commands against a running system and shows what comes back. Output goes to `terminal`, errors to standard
/// error.
class shell {
public:
  /// `json`: one JSON document a line, in place of tables. All outlive it.
  shell(terminal& t, remote& r, const vocabulary& words, bool json);

  /// Runs one line. 0: done, 1: it failed, 2: it is wrong. Sets quit() for the command of that name.
  int run(std::string_view line);
  bool quit() const { return quit_; }
  /// Runs lines of standard input until one fails; the exit code.
  int run_script();
  /// Reads lines from the terminal, with history and completion, until the end; the exit code.
  int run_interactive();
  /// What completion asks the running system for.
  name_sources sources();

private:
  // commands (shell.cpp): what to show, or why not
  int dispatch(const call& c);
  int tree(const call& c);
  int list(const call& c);
  int info(const call& c);
  int crashes(const call& c);
  int links(const call& c);
  int log_level(const call& c);
  int hold(const call& c);
  int kill(const call& c);
  int restart(const call& c);
  int messages(const call& c);
  int schema(const call& c);
  int help(const call& c);

  // messages of the schema (shell_letters.cpp)
  int send(const call& c);
  int ask(const call& c);
  caf::expected<caf::message> build(const call& c);

  // devices (shell_devices.cpp)
  int twin(const call& c);
  int samples(const call& c);

  // what goes on until it is ended (shell_follow.cpp)
  int trace(const call& c);
  int top(const call& c);
  int watch(const call& c);
  int watch_value(const call& c, const expression& e);
  int watch_command(const call& c, const std::string& line);
  void show_traced(const letter<schema::Traced>& t);
  caf::expected<reading> value_of(const expression& e);
  bool goes_on(double seconds);

  // paths and islands (shell_paths.cpp)
  caf::error reachable(const std::string& path);
  std::string admin_of(const std::string& path) const;
  caf::expected<std::vector<std::string>> islands(uint32_t deadline_ms);
  std::vector<std::string> paths_from(const std::string& start);
  caf::error explain(caf::error e, const std::string& path);

  int fail(const call& c, const caf::error& e);
  /// Asks the inspector of the island that `path` is on, and explains errors. `path` empty: of this island.
  template <class Answer, class Question>
  caf::expected<letter<Answer>> inquire(const std::string& path, const letter<Question>& q, uint32_t deadline_ms) {
    if (auto e = reachable(path)) return e;
    auto r = remote_.ask_for<Answer>(admin_of(path), q, deadline_ms);
    if (!r) return explain(std::move(r.error()), path);
    return r;
  }
  /// Shows an answer: as JSON, or as `text` makes it.
  template <class T, class F>
  int show(const letter<T>& l, F text) {
    if (!json_) return out(text(*l)), 0;
    return show_json(codec_.encode(capnp::DynamicStruct::Reader{*l}));
  }
  int show_json(const caf::expected<json::value>& v);
  void out(std::string_view text);
  style how() const;

  terminal& terminal_;
  remote& remote_;
  const vocabulary& words_;
  codec codec_;
  bool json_;
  bool quit_ = false;
  bool on_screen_ = false;  ///< what is shown goes to `page_`, for a screen
  std::string page_;
  std::string complaints_;  ///< what is wrong, while a screen is shown: said when it is gone
};

}  // namespace skerry::tools::repl
