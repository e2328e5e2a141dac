#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <string>

#include "schema/error.hpp"
#include "supervisors/inspector.hpp"
#include "tools/skerry/options.hpp"
#include "tools/skerry/repl/joined.hpp"
#include "tools/skerry/repl/shell.hpp"
#include "tools/skerry/sockets.hpp"

/// `skerry repl`: joins a running island, then runs what is typed, given by -c, or read from standard input.
namespace skerry::tools::repl {
namespace {

int wrong(const std::string& text) {
  std::fprintf(stderr, "skerry repl: %s\nSee `skerry repl --help`.\n", text.c_str());
  return 2;
}

/// Joins the cloud of the data directory, or else its edge.
caf::expected<std::unique_ptr<joined>> join(const options& o, terminal& t, const vocabulary& words) {
  if (!o.socket.empty()) return joined::open(t, words, o.socket);
  auto cloud = joined::open(t, words, cloud_socket_of(o.data_dir));
  if (cloud || code_of(cloud.error()) != errc::unavailable) return cloud;
  auto edge = joined::open(t, words, edge_socket_of(o.data_dir));
  if (edge || code_of(edge.error()) != errc::unavailable) return edge;
  return make_error(errc::unavailable, "no cloud and no edge of " + o.data_dir + " runs: nobody listens on " +
                                           cloud_socket_of(o.data_dir) + " or " + edge_socket_of(o.data_dir) +
                                           "; start one, or give its --data-dir");
}

/// For commands that ask nobody.
class alone final : public remote {
public:
  const std::string& home() const override { return home_; }
  caf::expected<caf::message> ask(const std::string&, caf::message, uint32_t) override { return nobody(); }
  caf::error send(const std::string&, caf::message) override { return nobody(); }
  std::vector<letter<schema::Traced>> take_traced() override { return {}; }
  int wake_fd() const override { return -1; }

private:
  static caf::error nobody() { return make_error(errc::unavailable, "not joined to an island"); }
  std::string home_;
};

int run(const options& o, terminal& t) {
  vocabulary words;
  add_standard(words);
  supervisors::add_admin(words);
  // What is wrong is said before anybody is asked.
  bool asks = o.commands.empty();
  for (const auto& line : o.commands) {
    auto c = parse_line(line);
    if (!c) return wrong(message_of(c.error()));
    asks = asks || (c->what != nullptr && !c->what->asks_nobody());
  }
  std::unique_ptr<remote> r = std::make_unique<alone>();
  if (asks) {
    auto j = join(o, t, words);
    if (!j) {
      std::fprintf(stderr, "skerry repl: %s\n", message_of(j.error()).c_str());
      return 1;
    }
    r = std::move(*j);
  }
  shell s{t, *r, words, o.output == "json"};
  for (const auto& line : o.commands) {
    if (auto code = s.run(line); code != 0) return code;
    if (s.quit() || t.ended()) return 0;
  }
  if (!o.commands.empty()) return 0;
  return t.interactive() ? s.run_interactive() : s.run_script();
}

}  // namespace
}  // namespace skerry::tools::repl

int main(int argc, char** argv) {
  using namespace skerry::tools;
  std::signal(SIGPIPE, SIG_IGN);
  options o;
  std::string text;
  auto what = parse_options(argc, argv, o, text);
  if (what != parsed::run) {
    std::fputs(text.c_str(), what == parsed::help ? stdout : stderr);
    return what == parsed::help ? 0 : 2;
  }
  if (o.command != "repl") return repl::wrong("this program is run by `skerry repl`");
  if (!o.words.empty()) return repl::wrong("unexpected '" + o.words[0] + "'; a command is given by -c");
  if (!o.output.empty() && o.output != "json" && o.output != "table")
    return repl::wrong("-o '" + o.output + "' is not json or table");
  int code = 0, ended_by = 0;
  {
    repl::signals signals;
    repl::terminal terminal{signals};
    code = repl::run(o, terminal);
    ended_by = terminal.ended_by();
  }
  if (ended_by != 0) {  // end as who sent the signal expects, now that the screen is as it was
    std::signal(ended_by, SIG_DFL);
    ::raise(ended_by);
  }
  return code;
}
