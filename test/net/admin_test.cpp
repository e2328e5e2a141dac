// The admin socket: requests of one line and links on one file.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "drivers/admin/admin_socket.hpp"
#include "drivers/admin/local_connection.hpp"
#include "test/net/world.hpp"

using namespace skerry;
using test::sink;

namespace {

struct admin_world : ports::link_acceptor {
  net::io_loop loop{1};
  std::string path = "/tmp/skerry-admin-test-" + std::to_string(::getpid()) + ".sock";
  std::mutex mutex;
  std::vector<ports::connection_ptr> links;
  drivers::admin::local_transport transport{loop};

  void on_link(ports::connection_ptr c) override {
    std::lock_guard lock{mutex};
    links.push_back(std::move(c));
  }
  size_t links_now() {
    std::lock_guard lock{mutex};
    return links.size();
  }
  static void echo(std::string request, std::function<void(std::string)> reply) { reply("got " + request); }
  caf::expected<ports::connection_ptr> dial() {
    auto promise = std::make_shared<std::promise<caf::expected<ports::connection_ptr>>>();
    auto answer = promise->get_future();
    transport.connect(path, {}, 1000, [promise](auto r) { promise->set_value(std::move(r)); });
    return answer.get();
  }
  ~admin_world() override {
    std::lock_guard lock{mutex};
    links.clear();
  }
};

ports::bytes frame_like() { return {std::byte{16}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{7}}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(admin_socket)

BOOST_AUTO_TEST_CASE(lines_and_links_share_one_file) {
  admin_world w;
  auto server = drivers::admin::server::start(w.loop, w.path, admin_world::echo, &w);
  BOOST_REQUIRE(server);
  struct stat info {};
  BOOST_REQUIRE(::stat(w.path.c_str(), &info) == 0);
  BOOST_TEST((info.st_mode & 0777) == 0600u);
  auto link = w.dial();
  BOOST_REQUIRE(link);
  sink at_client;
  (*link)->start(at_client.handlers());
  (*link)->send(frame_like());
  BOOST_TEST(test::until([&] { return w.links_now() == 1; }));
  auto answer = drivers::admin::ask(w.path, R"({"verb":"list"})", 5000);
  BOOST_REQUIRE(answer);
  BOOST_TEST(*answer == R"(got {"verb":"list"})");
  sink at_server;
  w.links[0]->start(at_server.handlers());
  BOOST_TEST(test::until([&] { return at_server.look([](auto& s) { return s.data; }) == frame_like(); }));
  BOOST_TEST(w.links[0]->peer().address.find("process " + std::to_string(::getpid())) != std::string::npos);
  w.links[0]->send(test::pattern(100'000, 3));
  BOOST_TEST(test::until([&] { return at_client.look([](auto& s) { return s.data.size(); }) == 100'000; }));
}

BOOST_AUTO_TEST_CASE(what_is_not_served_is_closed) {
  admin_world w;
  auto server = drivers::admin::server::start(w.loop, w.path, nullptr, nullptr);
  BOOST_REQUIRE(server);
  auto answer = drivers::admin::ask(w.path, "{}", 5000);
  BOOST_TEST((code_of(answer.error()) == errc::io));
  auto link = w.dial();
  BOOST_REQUIRE(link);
  sink at_client;
  (*link)->start(at_client.handlers());
  (*link)->send(frame_like());
  BOOST_TEST(test::until([&] { return at_client.look([](auto& s) { return s.ends; }) == 1; }));
}

BOOST_AUTO_TEST_CASE(at_most_sixteen_at_once) {
  admin_world w;
  auto server = drivers::admin::server::start(w.loop, w.path, admin_world::echo, &w);
  BOOST_REQUIRE(server);
  std::vector<ports::connection_ptr> mine;
  std::vector<std::unique_ptr<sink>> sinks;
  for (int i = 0; i < 17; ++i) {
    auto c = w.dial();
    BOOST_REQUIRE(c);
    sinks.push_back(std::make_unique<sink>());
    (*c)->start(sinks.back()->handlers());
    (*c)->send(frame_like());
    mine.push_back(*c);
  }
  BOOST_TEST(test::until([&] { return w.links_now() == 16 && sinks[16]->look([](auto& s) { return s.ends; }) == 1; }));
  mine[3]->close();
  BOOST_TEST(test::until([&] { return sinks[3]->look([](auto& s) { return s.ends; }) == 1; }));
  // Each tells its sink, which must be there until then.
  for (auto& c : mine) c->close();
  for (auto& s : sinks) BOOST_TEST(test::until([&] { return s->look([](auto& x) { return x.ends; }) == 1; }));
}

BOOST_AUTO_TEST_CASE(nobody_there) {
  admin_world w;
  auto c = w.dial();
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == errc::unavailable));
}

BOOST_AUTO_TEST_SUITE_END()
