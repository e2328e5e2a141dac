#include "actors/base/line_limit.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>
#include <mutex>
#include <vector>

#include "test/supervisors/world.hpp"

using namespace skerry;
using base::line_limit;
using test::world;

namespace {

struct hand_clock : ports::clock {
  std::atomic<int64_t> now{1'000};
  int64_t wall_ms() const override { return now; }
  int64_t steady_ms() const override { return now; }
};

struct kept_log : ports::log {
  std::mutex mutex;
  std::vector<std::string> lines;
  bool enabled(ports::severity) const override { return true; }
  void write(ports::severity, std::string_view, std::string_view text) override {
    std::lock_guard lock{mutex};
    lines.emplace_back(text);
  }
};

size_t written(line_limit& l, int64_t at, int times) {
  size_t n = 0;
  for (int i = 0; i < times; ++i) n += l.ask(at).has_value() ? 1 : 0;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_line_limit)

BOOST_AUTO_TEST_CASE(a_burst_is_written_then_one_in_five_seconds_with_the_count_of_the_others) {
  line_limit l;
  BOOST_TEST(written(l, 0, 1'000) == 10u);
  BOOST_TEST(written(l, 4'999, 10) == 0u);
  auto next = l.ask(5'000);
  BOOST_REQUIRE(next);
  BOOST_TEST(*next == " (and 1000 more)");
  BOOST_TEST(!l.ask(5'001));
  next = l.ask(10'000);
  BOOST_REQUIRE(next);
  BOOST_TEST(*next == " (and 1 more)");
  // After a quiet time it is as new, and no more than that.
  BOOST_TEST(*l.ask(3'600'000) == "");
  BOOST_TEST(written(l, 3'600'000, 1'000) == 9u);
  // An hour of a flood: as many lines as it has spans of five seconds.
  size_t n = 0;
  for (int64_t t = 3'600'000; t < 7'200'000; t += 10) n += written(l, t, 1);
  BOOST_TEST(n <= 720u);
  BOOST_TEST(n >= 719u);
}

BOOST_AUTO_TEST_CASE(an_actor_that_is_flooded_with_what_it_does_not_take_says_so_ten_times) {
  world w;
  hand_clock clock;
  kept_log log;
  context ctx{clock, w.random, log};
  auto spawn = [&](const char* path) {
    return w.sys.spawn([&ctx, path](base::actor* me) -> caf::behavior {
      base::prepare(me, ctx, path);
      return {[](const test::ping&) { return true; }};
    });
  };
  auto a = spawn("/test/a"), b = spawn("/test/b");
  for (int i = 0; i < 1'000; ++i) caf::anon_send(a, test::crash{});
  BOOST_REQUIRE(w.ask<bool>(a, test::ping{}));
  BOOST_TEST(log.lines.size() == 10u);
  caf::anon_send(b, test::crash{});  // each actor has its own
  BOOST_REQUIRE(w.ask<bool>(b, test::ping{}));
  BOOST_TEST(log.lines.size() == 11u);
  clock.now = 6'000;
  for (int i = 0; i < 10; ++i) caf::anon_send(a, test::crash{});
  BOOST_REQUIRE(w.ask<bool>(a, test::ping{}));
  BOOST_REQUIRE(log.lines.size() == 12u);
  BOOST_TEST(log.lines.back() == "unexpected message dropped: skerry::test::crash (and 990 more)");
  for (const auto& x : {a, b}) {
    w.self->monitor(x);
    caf::anon_send_exit(x, caf::exit_reason::kill);
    w.await_down(x);
  }
}

BOOST_AUTO_TEST_SUITE_END()
