#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <set>
#include <thread>

#include "drivers/clock/system_clock.hpp"
#include "drivers/log/stream_log.hpp"
#include "drivers/random/system_random.hpp"

using namespace skerry;
using namespace skerry::drivers;
using ports::severity;

BOOST_AUTO_TEST_SUITE(clock_driver)

BOOST_AUTO_TEST_CASE(wall_is_unix_time_and_steady_never_goes_back) {
  system_clock c;
  BOOST_TEST(c.wall_ms() > 1'700'000'000'000);
  auto last = c.steady_ms();
  for (int i = 0; i < 10'000; ++i) {
    auto now = c.steady_ms();
    BOOST_REQUIRE(now >= last);
    last = now;
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(random_driver)

BOOST_AUTO_TEST_CASE(no_value_comes_twice_to_any_thread) {
  system_random r;
  std::vector<std::vector<uint64_t>> got(4);
  std::vector<std::thread> threads;
  for (auto& mine : got)
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) mine.push_back(r.next());
    });
  for (auto& t : threads) t.join();
  std::set<uint64_t> all;
  for (auto& mine : got) all.insert(mine.begin(), mine.end());
  BOOST_TEST(all.size() == 20'000u);
}

BOOST_AUTO_TEST_CASE(uuids_are_version_4) {
  system_random r;
  auto u = ports::make_uuid(r);
  BOOST_TEST(u.size() == 36u);
  BOOST_TEST(u[14] == '4');
  BOOST_TEST((u[19] == '8' || u[19] == '9' || u[19] == 'a' || u[19] == 'b'));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(log_driver)

BOOST_AUTO_TEST_CASE(lines_are_as_documented) {
  BOOST_TEST(format_line(1'795'428'000'123, severity::info, "/cloud/store", "opened") ==
             "2026-11-23T10:00:00.123Z info /cloud/store opened\n");
  BOOST_TEST(format_line(0, severity::error, "x", "a\nb\x1b[31m") ==
             "1970-01-01T00:00:00.000Z error x a\\x0ab\\x1b[31m\n");
  BOOST_TEST(format_line(0, severity::debug, "x", std::string(10'000, 'a')).size() < 4200u);
}

BOOST_AUTO_TEST_CASE(secrets_are_not_shown) {
  struct row {
    const char *in, *out;
  };
  for (auto& r : std::vector<row>{{"joined with token=abcdef.0123456789abcdef ok", "joined with token=*** ok"},
                                  {"Authorization: Bearer eyJhbGci.x, next", "Authorization: Bearer ***, next"},
                                  {R"({"password": "hunter2", "a": 1})", R"({"password": "***", "a": 1})"},
                                  {"the token is wrong", "the token is wrong"},
                                  {"secrets default/web-token was read", "secrets default/web-token was read"},
                                  {"token", "token"},
                                  {"", ""}})
    BOOST_TEST(without_secrets(r.in) == r.out);
}

BOOST_AUTO_TEST_CASE(the_filter_holds_and_lines_are_whole) {
  int fds[2];
  BOOST_REQUIRE(pipe(fds) == 0);
  fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
  system_clock c;
  stream_log log{c, severity::warning, fds[1]};
  BOOST_TEST(!log.enabled(severity::info));
  log.info("/a", "not kept");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) log.warning("/a/b", "kept whole");
    });
  for (auto& t : threads) t.join();
  close(fds[1]);
  std::string all;
  char block[65536];
  for (ssize_t n; (n = read(fds[0], block, sizeof block)) > 0;) all.append(block, static_cast<size_t>(n));
  close(fds[0]);
  int lines = 0;
  for (size_t at = 0; at < all.size(); ++lines) {
    auto end = all.find('\n', at);
    BOOST_REQUIRE(all.substr(at + 24, end - at - 24) == " warning /a/b kept whole");
    at = end + 1;
  }
  BOOST_TEST(lines == 800);
}

BOOST_AUTO_TEST_CASE(names_of_levels) {
  BOOST_TEST((parse_severity("warning") == severity::warning));
  BOOST_TEST(!parse_severity("loud"));
}

BOOST_AUTO_TEST_SUITE_END()
