#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"
#include "tools/skerry/repl/expression.hpp"
#include "tools/skerry/repl/table.hpp"

using namespace skerry;
using namespace skerry::tools::repl;

namespace {
template <class T>
std::string why(const caf::expected<T>& r) {
  return r ? std::string{} : message_of(r.error());
}
}  // namespace

BOOST_AUTO_TEST_SUITE(showing)

BOOST_AUTO_TEST_CASE(tables) {
  table t{{"PATH", "DEPTH", "STATE"}};
  BOOST_TEST(t.text() == "PATH  DEPTH  STATE\n");
  t.add({"/cloud/störe", "5", "up"});
  t.add({"/a", "-", "waiting"});
  BOOST_TEST(t.text() ==
             "PATH          DEPTH  STATE\n"
             "/cloud/störe      5  up\n"
             "/a                -  waiting\n");
  BOOST_TEST(t.text(8) == "PATH   …\n/cloud/…\n/a     …\n");
}

BOOST_AUTO_TEST_CASE(nothing_reaches_the_terminal_that_moves_it) {
  table t{{"A"}};
  t.add({"x\x1b[2Jy\n"});
  BOOST_TEST(t.text() == "A\nx\\x1b[2Jy\\x0a\n");
}

BOOST_AUTO_TEST_CASE(quantities) {
  BOOST_TEST(span(-1) == "-");
  BOOST_TEST(span(45) == "45ms");
  BOOST_TEST(span(12'340) == "12.3s");
  BOOST_TEST(span(307'000) == "5m07s");
  BOOST_TEST(span(10'920'000) == "3h02m");
  BOOST_TEST(span(356'400'000) == "4d03h");
  BOOST_TEST(size(5) == "5 B");
  BOOST_TEST(size(34'200) == "34 kB");
  BOOST_TEST(size(1'234'000) == "1.2 MB");
  BOOST_TEST(size(7'200'000'000) == "7.2 GB");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(expressions)

BOOST_AUTO_TEST_CASE(patterns) {
  struct row {
    const char *pattern, *path;
    bool yes;
  };
  for (const auto& r :
       {row{"/cloud/store", "/cloud/store", true}, row{"/cloud/store", "/cloud/store/x", false},
        row{"/cloud/*", "/cloud/store", true}, row{"/cloud/*", "/cloud", false}, row{"/cloud/*", "/cloud/a/b", false},
        row{"/cloud/**", "/cloud/a/b", true}, row{"/cloud/**", "/cloud", true},
        row{"/node/*/pod/web-*", "/node/n1/pod/web-7", true}, row{"/node/*/pod/web-*", "/node/n1/pod/db-7", false},
        row{"/**/b", "/a/x/b", true}, row{"/**/b", "/a/x/c", false}, row{"/*.x", "/n1.x", true}})
    BOOST_TEST(matches(r.pattern, r.path) == r.yes, r.pattern << " " << r.path);
  BOOST_TEST(fixed_part("/node/*/pod") == "/node");
  BOOST_TEST(fixed_part("/node/n1/pod/web-*") == "/node/n1/pod");
  BOOST_TEST(fixed_part("/*") == "/");
  BOOST_TEST(fixed_part("/cloud/store") == "/cloud/store");
}

std::vector<sample> some() {
  return {{.path = "/cloud/store", .phase = "running", .depth = 3, .restarts = 1},
          {.path = "/cloud/api", .phase = "running", .depth = 7, .restarts = 0},
          {.path = "/cloud/api/x", .phase = "waiting", .depth = 2.5, .restarts = 4}};
}

BOOST_AUTO_TEST_CASE(values) {
  struct row {
    const char *text, *value;
    bool holds;
  };
  auto all = some();
  for (const auto& r : {row{"/cloud/store.depth", "3", false}, row{"/cloud/store.depth = 3", "3", true},
                        row{"max(/cloud/**.depth)>=7", "7", true}, row{"min(/cloud/**.depth) < 2", "2.50", false},
                        row{"sum(/cloud/**.restarts) != 5", "5", false}, row{"avg(/cloud/*.depth)", "5", false},
                        row{"count(/cloud/*) == 2", "2", true}, row{"count(/nobody) = 0", "0", true},
                        row{"/cloud/api/x.phase != running", "waiting", true}}) {
    auto e = parse_expression(r.text);
    BOOST_REQUIRE_MESSAGE(e, r.text << ": " << why(e));
    auto v = evaluate(*e, all);
    BOOST_REQUIRE_MESSAGE(v, r.text);
    BOOST_TEST(v->text == r.value, r.text << " -> " << v->text);
    BOOST_TEST(v->holds == r.holds, r.text);
  }
  auto nobody = evaluate(*parse_expression("/nobody.depth"), all);
  BOOST_TEST((code_of(nobody.error()) == errc::not_found));
}

BOOST_AUTO_TEST_CASE(not_understood) {
  struct row {
    const char *text, *part;
  };
  for (const auto& r : {row{"/cloud/store", "names no field"}, row{"/cloud/store.deph", "did you mean 'depth'?"},
                        row{"mxa(/cloud/*.depth)", "no function 'mxa'; did you mean 'max'?"},
                        row{"max(/cloud/*.depth", "is not closed"}, row{"/cloud/*.depth", "put sum, max"},
                        row{"/cloud/store.depth > many", "not with 'many'"}, row{"cloud.depth", "it begins with /"},
                        row{"sum(/cloud/*.phase)", "phase is no number"}, row{"/cloud/store.depth >", "a number"}}) {
    auto e = parse_expression(r.text);
    BOOST_REQUIRE_MESSAGE(!e, r.text);
    BOOST_TEST(message_of(e.error()).find(r.part) != std::string::npos, r.text << " -> " << message_of(e.error()));
  }
}

BOOST_AUTO_TEST_SUITE_END()
