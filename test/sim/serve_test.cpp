// What stands between a simulated cloud and real clients.
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tools/skerry-sim/gate.hpp"
#include "tools/skerry-sim/pace.hpp"

using namespace skerry;
using tools::gate;
using tools::pace;

namespace {

/// A client's request, and what came back.
struct client final : ports::http_exchange {
  ports::http_request asked;
  int status = 0;
  std::string text;
  std::function<void()> on_closed;
  const ports::http_request& request() const override { return asked; }
  void respond(int code, std::string_view, ports::http_body b,
               std::vector<std::pair<std::string, std::string>>) override {
    status = code;
    write(std::move(b));
  }
  void start_stream(int code, std::string_view, std::function<void()> f) override {
    status = code;
    on_closed = std::move(f);
  }
  bool write(ports::http_body b) override {
    for (auto& p : b) text += p.view();
    return true;
  }
  void end_stream() override {}
};

struct cloud final : ports::http_service {
  std::vector<ports::http_exchange_ptr> came;
  std::vector<std::thread::id> on;
  void serve(ports::http_exchange_ptr e) override {
    came.push_back(std::move(e));
    on.push_back(std::this_thread::get_id());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(serving)

BOOST_AUTO_TEST_CASE(virtual_time_follows_real_time_at_its_speed) {
  pace same{1, 1'000, 0};
  BOOST_TEST(same.target(1'000, 0) == 0);
  BOOST_TEST(same.target(1'500, 0) == 500);
  BOOST_TEST(same.target(1'600, 700) == 700);  // never back
  pace fast{20, 0, 100};
  BOOST_TEST(fast.target(50, 100) == 1'100);
  pace max{0, 0, 0};
  BOOST_TEST(max.target(0, 5) > 5);
}

BOOST_AUTO_TEST_CASE(what_a_world_cannot_keep_up_with_is_given_up) {
  pace p{10, 0, 0};
  BOOST_TEST(p.target(1'000, 0) == 10'000);  // just what may be caught up
  BOOST_TEST(p.target(2'000, 0) == 0);
  BOOST_TEST(p.slipped_ms() == 20'000);
  BOOST_TEST(p.target(2'100, 0) == 1'000);
}

BOOST_AUTO_TEST_CASE(requests_cross_into_the_thread_that_takes_them) {
  gate door;
  cloud c;
  auto one = std::make_shared<client>();
  std::thread{[&] { door.serve(one); }}.join();
  BOOST_TEST(c.came.empty());
  door.wait(10'000);
  BOOST_TEST(door.deliver(c));
  BOOST_TEST(!door.deliver(c));
  BOOST_REQUIRE(c.came.size() == 1u);
  BOOST_TEST((c.on[0] == std::this_thread::get_id()));
  c.came[0]->respond(200, "text/plain", {"hello"});
  BOOST_TEST(one->status == 200);
  BOOST_TEST(one->text == "hello");
}

BOOST_AUTO_TEST_CASE(the_end_of_a_stream_is_told_in_the_worlds_thread_and_once) {
  gate door;
  cloud c;
  auto one = std::make_shared<client>();
  door.serve(one);
  door.deliver(c);
  int told = 0;
  std::thread::id where;
  c.came[0]->start_stream(200, "application/json", [&] {
    ++told;
    where = std::this_thread::get_id();
  });
  std::thread{[&] { one->on_closed(); }}.join();
  BOOST_TEST(told == 0);
  BOOST_TEST(door.deliver(c));
  BOOST_TEST(told == 1);
  BOOST_TEST((where == std::this_thread::get_id()));
  one->on_closed();
  door.deliver(c);
  BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_CASE(it_holds_so_many_requests_and_none_once_it_is_closed) {
  gate door;
  cloud c;
  std::vector<std::shared_ptr<client>> all;
  for (size_t i = 0; i <= gate::requests_max; ++i) door.serve(all.emplace_back(std::make_shared<client>()));
  BOOST_TEST(all.back()->status == 429);
  BOOST_TEST(all.front()->status == 0);
  door.close();
  BOOST_TEST(all.front()->status == 503);
  auto late = std::make_shared<client>();
  door.serve(late);
  BOOST_TEST(late->status == 503);
  BOOST_TEST(!door.deliver(c));
}

BOOST_AUTO_TEST_SUITE_END()
