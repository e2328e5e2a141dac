#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"
#include "tools/skerry/repl/complete.hpp"
#include "tools/skerry/repl/near.hpp"

using namespace skerry;
using namespace skerry::tools::repl;

namespace {
template <class T>
std::string why(const caf::expected<T>& r) {
  return r ? std::string{} : message_of(r.error());
}
}  // namespace

BOOST_AUTO_TEST_SUITE(words)

BOOST_AUTO_TEST_CASE(distances) {
  struct row {
    const char *a, *b;
    size_t edits;
  };
  for (const auto& r : {row{"", "", 0}, row{"", "abc", 3}, row{"tree", "tree", 0}, row{"tre", "tree", 1},
                        row{"teer", "tree", 2}, row{"tere", "tree", 1}, row{"TREE", "tree", 0}, row{"kill", "info", 4},
                        row{"AskTre", "AskTree", 1}, row{"levles", "levels", 1}}) {
    BOOST_TEST(distance(r.a, r.b) == r.edits, r.a << " " << r.b);
    BOOST_TEST(distance(r.b, r.a) == r.edits, r.b << " " << r.a);
  }
}

BOOST_AUTO_TEST_CASE(nearest_words) {
  auto names = command_names();
  BOOST_TEST(did_you_mean("tre", names) == "; did you mean 'tree'?");
  BOOST_TEST(did_you_mean("crahses", names) == "; did you mean 'crashes'?");
  BOOST_TEST(did_you_mean("zzzzzz", names) == "");
  BOOST_TEST(did_you_mean("re", names) == "; did you mean 'restart' or 'resume'?");
  BOOST_TEST(nearest("sus", names, 1).at(0) == "suspend");
}

BOOST_AUTO_TEST_CASE(cut_into_words) {
  struct row {
    const char* line;
    std::vector<std::string> words;
    bool open = false;
  };
  for (const auto& r : {row{"", {}}, row{"  ls\t/a ", {"ls", "/a"}}, row{"a 'b c' d", {"a", "b c", "d"}},
                        row{R"(a "b \" c")", {"a", "b \" c"}}, row{"a b'c d'e", {"a", "bc de"}},
                        row{"a 'b c", {"a", "b c"}, true}, row{"''", {""}}}) {
    auto words = words_of(r.line);
    BOOST_REQUIRE_EQUAL(words.size(), r.words.size());
    for (size_t i = 0; i < words.size(); ++i) BOOST_TEST(words[i].text == r.words[i], r.line);
    if (!words.empty()) BOOST_TEST(words.back().open == r.open, r.line);
  }
}

BOOST_AUTO_TEST_CASE(understood) {
  auto c = parse_line("tree /node/n1/ -d 2");
  BOOST_REQUIRE(c);
  BOOST_TEST((c->what->what == verb::tree));
  BOOST_TEST(c->path == "/node/n1");
  BOOST_TEST(*c->levels == 2);
  c = parse_line(R"(ask -t 1.5 /cloud/admin AskTree {"path": "/cloud/a b", "x": '1'}  )");
  BOOST_REQUIRE(c);
  BOOST_TEST(*c->seconds == 1.5);
  BOOST_TEST(c->message == "AskTree");
  BOOST_TEST(c->rest == R"({"path": "/cloud/a b", "x": '1'})");
  c = parse_line("watch -i 5 -n3 max(/cloud/**.depth) > 100");
  BOOST_REQUIRE(c);
  BOOST_TEST(c->rest == "max(/cloud/**.depth) > 100");
  BOOST_TEST(*c->seconds == 5);
  BOOST_TEST(*c->count == 3);
  BOOST_TEST(parse_line("suspend /node/n1")->rest == "n1");
  BOOST_TEST((parse_line("exit")->what->what == verb::quit));
  BOOST_TEST(parse_line("  # a comment")->what == nullptr);
  BOOST_TEST(parse_line("")->what == nullptr);
}

BOOST_AUTO_TEST_CASE(not_understood) {
  struct row {
    const char *line, *part;
  };
  for (const auto& r : {
           row{"tre /cloud", "unknown command 'tre'; did you mean 'tree'?"},
           row{"frobnicate", "unknown command 'frobnicate' `help` lists all"},
           row{"info", "PATH is missing; usage: info PATH"},
           row{"info cloud/store", "'cloud/store' is no path; did you mean '/cloud/store'?"},
           row{"ls /a /b", "unexpected '/b'; usage: ls [PATH]"},
           row{"tree -x 1", "unknown flag '-x'"},
           row{"tree -d 99", "-d takes LEVELS, a number from 0 to 16, not '99'"},
           row{"tree -d", "-d takes LEVELS, a number from 0 to 16;"},
           row{"crashes -n 1.5", "-n takes COUNT"},
           row{"top -i fast", "-i takes SECONDS, a number from 0.1 to 3600, not 'fast'"},
           row{"log inf", "no level 'inf'; did you mean 'info'?"},
           row{"help tracee", "no command 'tracee'; did you mean 'trace'?"},
           row{"send /a", "MESSAGE is missing; usage: send PATH MESSAGE [JSON]"},
           row{"info '/a", "a quote is not closed"},
           row{"watch", "EXPR is missing"},
       }) {
    auto c = parse_line(r.line);
    BOOST_REQUIRE_MESSAGE(!c, r.line);
    BOOST_TEST((code_of(c.error()) == errc::invalid));
    BOOST_TEST(message_of(c.error()).find(r.part) != std::string::npos, r.line << " -> " << message_of(c.error()));
  }
}

BOOST_AUTO_TEST_CASE(every_command_has_help_whose_examples_parse) {
  for (const auto& c : commands()) {
    BOOST_TEST(overview().find(usage(c)) != std::string::npos);
    auto text = help(c);
    BOOST_TEST(text.find("usage: " + usage(c)) != std::string::npos);
    std::string examples = c.examples;
    for (size_t at = 0; at < examples.size();) {
      auto end = examples.find('\n', at);
      auto line = examples.substr(at + 2, end - at - 2);
      line = line.substr(0, line.find("   "));
      auto parsed = parse_line(line);
      BOOST_REQUIRE_MESSAGE(parsed, line << ": " << why(parsed));
      BOOST_TEST((parsed->what->what == c.what), line);
      at = end + 1;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(completing)

name_sources sources() {
  return {[](const std::string&) {
            return std::vector<std::string>{"/cloud",
                                            "/cloud/store",
                                            "/cloud/controllers",
                                            "/cloud/controllers/garbage",
                                            "/cloud/controllers/scheduler",
                                            "/node/n1",
                                            "/node/n2"};
          },
          [] {
            return std::vector<std::string>{"n1", "n2", "rock"};
          },
          [] {
            return std::vector<std::string>{"AskInfo", "AskTree", "Kill"};
          }};
}

BOOST_AUTO_TEST_CASE(by_place) {
  struct row {
    const char* line;
    std::vector<std::string> candidates;
    const char* common;
    bool whole = false;
  };
  for (const auto& r : {
           row{"tr", {"trace", "tree"}, "tr"},
           row{"tre", {"tree"}, "tree", true},
           row{"zz", {}, "zz"},
           row{"tree ", {"/cloud/", "/node/"}, "/"},
           row{"tree /c", {"/cloud/"}, "/cloud/"},
           row{"info /cloud/", {"/cloud/controllers/", "/cloud/store"}, "/cloud/"},
           row{"info /cloud/c", {"/cloud/controllers/"}, "/cloud/controllers/"},
           row{"info /cloud/controllers/s", {"/cloud/controllers/scheduler"}, "/cloud/controllers/scheduler", true},
           row{"tree -d 1 /n", {"/node/"}, "/node/"},
           row{"tree -d ", {}, ""},
           row{"suspend r", {"rock"}, "rock", true},
           row{"ask /cloud/store Ask", {"AskInfo", "AskTree"}, "Ask"},
           row{"ask /cloud/store AskTree {", {}, "{"},
           row{"log ", {"debug", "error", "info", "warning"}, ""},
           row{"help tra", {"trace"}, "trace", true},
           row{"watch max(/cloud/s", {"/cloud/store"}, "/cloud/store", true},
           row{"watch lin", {"links"}, "links", true},
           row{"info /cloud/store ", {}, ""},
           row{"nonsense /c", {}, "/c"},
       }) {
    auto c = complete(r.line, sources());
    BOOST_TEST(c.candidates == r.candidates, boost::test_tools::per_element());
    BOOST_TEST(c.common == r.common, r.line << " -> " << c.common);
    BOOST_TEST(c.whole == r.whole, r.line);
  }
  BOOST_TEST(complete("watch max(/cloud/s", sources()).begin == 10);
}

BOOST_AUTO_TEST_SUITE_END()
