#include "actors/controllers/work_queue.hpp"

#include <boost/test/unit_test.hpp>

using namespace skerry;
using controllers::work_queue;

BOOST_AUTO_TEST_SUITE(queue)

namespace {
store::object_key key(std::string name) { return {"pods", "default", std::move(name)}; }
std::string taken(work_queue& q, int64_t now = 0) {
  auto k = q.take(now);
  return k ? k->name : "-";
}
/// All that can be taken now, in order.
std::string all_taken(work_queue& q, int64_t now = 0) {
  std::string out;
  while (auto k = q.take(now)) out += k->name;
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_key_is_there_once_and_in_order) {
  work_queue q;
  for (auto n : {"a", "b", "a", "c", "b"}) q.mark(key(n));
  BOOST_TEST(q.size() == 3);
  BOOST_TEST(all_taken(q) == "abc");
}

BOOST_AUTO_TEST_CASE(what_is_marked_while_worked_on_comes_again_after_that) {
  work_queue q;
  q.mark(key("a"));
  BOOST_TEST(taken(q) == "a");
  q.mark(key("a"));
  q.mark(key("a"));
  BOOST_TEST(taken(q) == "-");
  q.done(key("a"));
  BOOST_TEST(taken(q) == "a");
  q.done(key("a"));
  BOOST_TEST(taken(q) == "-");
  BOOST_TEST(q.working() == 0);
}

BOOST_AUTO_TEST_CASE(failures_wait_longer_each_time_until_one_succeeds) {
  work_queue q;
  int64_t now = 1000;
  q.mark(key("a"));
  int64_t total = 0, last = 0;
  for (int i = 0; i < 20; ++i) {
    BOOST_REQUIRE(taken(q, now) == "a");
    q.mark(key("a"));  // does not shorten the wait
    auto wait = q.failed(key("a"), now);
    BOOST_TEST(wait >= last);
    BOOST_TEST(wait <= work_queue::backoff_ms_max);
    BOOST_TEST(q.next_due().value() == now + wait);
    BOOST_TEST(taken(q, now + wait - 1) == "-");
    total += last = wait;
    now += wait;
  }
  BOOST_TEST(last == work_queue::backoff_ms_max);
  BOOST_TEST(taken(q, now) == "a");
  q.done(key("a"));
  BOOST_TEST(q.failures(key("a")) == 0U);
  q.mark(key("a"));
  BOOST_TEST(taken(q, now) == "a");
  BOOST_TEST(q.failed(key("a"), now) == work_queue::backoff_ms_min);
}

BOOST_AUTO_TEST_CASE(the_earliest_time_counts_and_a_mark_overrides_it) {
  work_queue q;
  q.mark_at(key("a"), 500);
  q.mark_at(key("a"), 900);
  q.mark_at(key("b"), 700);
  q.mark_at(key("b"), 300);
  BOOST_TEST(q.next_due().value() == 300);
  BOOST_TEST(taken(q, 299) == "-");
  BOOST_TEST(all_taken(q, 600) == "ba");
  q.done(key("a"));
  q.mark_at(key("a"), 5000);
  q.mark(key("a"));
  BOOST_TEST(taken(q, 600) == "a");
  BOOST_TEST(!q.next_due());
}

BOOST_AUTO_TEST_CASE(clear_forgets_all_but_the_work_in_hand) {
  work_queue q;
  q.mark(key("a"));
  q.mark(key("b"));
  q.mark_at(key("c"), 10);
  BOOST_TEST(taken(q) == "a");
  q.mark(key("a"));
  q.clear();
  BOOST_TEST(taken(q, 100) == "-");
  q.done(key("a"));
  BOOST_TEST(taken(q, 100) == "-");
}

BOOST_AUTO_TEST_SUITE_END()
