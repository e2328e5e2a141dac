#include "schema/path.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"

using namespace skerry;

BOOST_AUTO_TEST_SUITE(path)

BOOST_AUTO_TEST_CASE(paths_that_are_right_pass_and_others_say_which_rule_they_break) {
  for (auto good : {"/cloud", "/cloud/controllers/deployment", "/node/n17", "/node/n17.example.org/pod/9f-1_2#3",
                    "/repl/4711/shell", "/controller/backup/leader", "/node/n1/@42"})
    BOOST_TEST(!paths::check(good), good << ": " << message_of(paths::check(good)));
  struct wrong {
    std::string path, says;
  };
  auto deep = std::string{"/cloud"};
  for (int i = 0; i < 16; ++i) deep += "/x";
  for (const auto& w : std::initializer_list<wrong>{{"", "does not begin"},
                                                    {"cloud", "does not begin"},
                                                    {"/", "empty segment"},
                                                    {"/cloud/", "empty segment"},
                                                    {"/cloud//x", "empty segment"},
                                                    {"/cloud/a b", "' '"},
                                                    {"/cloud/../x", "no names"},
                                                    {"/cloudy/x", "names no island"},
                                                    {"/node", "names no island"},
                                                    {"/pod/x", "names no island"},
                                                    {deep, "more than 16"},
                                                    {"/cloud/" + std::string(254, 'x'), "at most 253"},
                                                    {"/cloud/" + std::string(600, 'x'), "at most 512"}}) {
    auto e = paths::check(w.path);
    BOOST_TEST((code_of(e) == errc::invalid), w.path);
    BOOST_TEST(message_of(e).find(w.says) != std::string::npos, message_of(e) << " should say: " << w.says);
  }
}

BOOST_AUTO_TEST_CASE(a_path_names_its_island) {
  BOOST_TEST(paths::island_of("/node/n17/pod/x") == "/node/n17");
  BOOST_TEST(paths::island_of("/node/n17") == "/node/n17");
  BOOST_TEST(paths::island_of("/cloud/api") == "/cloud");
  BOOST_TEST(paths::island_of("/cloudy") == "");
  BOOST_TEST(paths::island_of("/node/") == "");
  BOOST_TEST(paths::island_of("/node") == "");
  BOOST_TEST(paths::name_of_island("/node/n17/pod/x") == "n17");
  BOOST_TEST(paths::name_of_island("/cloud/x") == "");
  BOOST_TEST((paths::kind_of("/repl/1/x") == paths::island_kind::repl));
  BOOST_TEST((paths::kind_of("/controller/c") == paths::island_kind::controller));
  BOOST_TEST((paths::kind_of("/node//x") == paths::island_kind::none));
  BOOST_TEST((paths::kind_of("/cloud") == paths::island_kind::cloud));
  BOOST_TEST(paths::is_below("/cloud/api", "/cloud"));
  BOOST_TEST(!paths::is_below("/cloudy", "/cloud"));
  BOOST_TEST(paths::parent_of("/cloud/api/x") == "/cloud/api");
  BOOST_TEST(paths::segments_of("/node/n17/pod").size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
