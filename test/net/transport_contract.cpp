// What every connection does, as the port says it: the real ones over TLS on loopback and on an admin
// socket, and the simulated one.
#include <boost/asio/local/connect_pair.hpp>
#include <boost/mpl/vector.hpp>
#include <boost/test/unit_test.hpp>

#include "drivers/admin/local_connection.hpp"
#include "sim/ports/sim_pki.hpp"
#include "sim/ports/sim_transport.hpp"
#include "test/net/world.hpp"

using namespace skerry;
using test::sink;

namespace {

struct tls_world {
  static constexpr const char *name = "system:node:n1", *organization = "system:nodes";
  test::tls_server server;
  ports::connection_ptr client, cloud;
  tls_world() {
    auto c = server.dial(server.address(), server.credentials());
    if (!c) throw std::runtime_error(message_of(c.error()));
    client = *c;
    cloud = server.next_accepted();
  }
  template <class F>
  bool until(F holds) {
    return test::until(holds);
  }
};

/// Both ends of an admin socket.
struct local_world {
  static constexpr const char *name = "system:admin", *organization = "system:masters";
  net::io_loop loop{2};
  ports::connection_ptr client, cloud;
  local_world() {
    boost::asio::local::stream_protocol::socket a{loop.context()}, b{loop.context()};
    boost::asio::local::connect_pair(a, b);
    client = drivers::admin::make_local_connection(std::move(a));
    cloud = drivers::admin::make_local_connection(std::move(b));
  }
  template <class F>
  bool until(F holds) {
    return test::until(holds);
  }
};

struct sim_world : ports::link_acceptor, ports::clock {
  static constexpr const char *name = "system:node:n1", *organization = "system:nodes";
  int64_t wall_ms() const override { return 1'764'000'000'000; }
  int64_t steady_ms() const override { return 1; }
  test::seeded_random chance{42};
  sim::sim_network net{chance};
  ports::connection_ptr client, cloud;
  void on_link(ports::connection_ptr c) override { cloud = std::move(c); }
  sim_world() {
    sim::sim_pki pki{*this, chance};
    auto ca = *pki.make_authority("test", 10);
    auto node = *pki.issue(ca, {"system:node:n1", {"system:nodes"}, {}, false}, 10);
    net.listen("cloud:6443", this, ca.certificate_pem);
    net.connect("cloud:6443", {ca.certificate_pem, {}, node.certificate_pem, node.key_pem}, 1000,
                [this](caf::expected<ports::connection_ptr> c) { client = *c; });
    until([&] { return client && cloud; });
  }
  ~sim_world() override {
    client.reset();
    cloud.reset();
  }
  template <class F>
  bool until(F holds) {
    while (!holds())
      if (!net.step()) return holds();
    return true;
  }
};

using worlds = boost::mpl::vector<tls_world, local_world, sim_world>;

}  // namespace

BOOST_AUTO_TEST_SUITE(connection_contract)

BOOST_AUTO_TEST_CASE_TEMPLATE(bytes_cross_both_ways_whole_and_in_order, world, worlds) {
  world w;
  sink at_client, at_cloud;
  w.client->start(at_client.handlers());
  w.cloud->start(at_cloud.handlers());
  ports::bytes up, down;
  for (unsigned i = 0; i < 60; ++i) {
    auto a = test::pattern(i * i * 37 + 1, i), b = test::pattern(i * 11 + 3, i + 100);
    up.insert(up.end(), a.begin(), a.end());
    down.insert(down.end(), b.begin(), b.end());
    w.client->send(a);
    w.cloud->send(b);
  }
  BOOST_TEST(w.until([&] {
    return at_cloud.look([](auto& s) { return s.data.size(); }) >= up.size() &&
           at_client.look([](auto& s) { return s.data.size(); }) >= down.size();
  }));
  BOOST_TEST((at_cloud.data == up));
  BOOST_TEST((at_client.data == down));
  BOOST_TEST(w.until([&] { return w.client->queued() == 0 && at_client.look([](auto& s) { return s.drains; }) > 0; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_peer_is_known, world, worlds) {
  world w;
  BOOST_TEST(w.cloud->peer().common_name == world::name);
  BOOST_REQUIRE(w.cloud->peer().organizations.size() == 1u);
  BOOST_TEST(w.cloud->peer().organizations[0] == world::organization);
  BOOST_TEST(!w.cloud->peer().address.empty());
  sink a;
  w.cloud->start(a.handlers());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(close_sends_what_is_queued_and_both_ends_hear_it_once, world, worlds) {
  world w;
  sink at_client, at_cloud;
  w.client->start(at_client.handlers());
  w.cloud->start(at_cloud.handlers());
  auto data = test::pattern(300'000, 1);
  w.client->send(data);
  w.client->close();
  w.client->close();
  BOOST_TEST(w.until([&] {
    return at_cloud.look([](auto& s) { return s.ends; }) > 0 && at_client.look([](auto& s) { return s.ends; }) > 0;
  }));
  BOOST_TEST((at_cloud.data == data));
  BOOST_TEST(message_of(at_cloud.why) == "");
  BOOST_TEST(message_of(at_client.why) == "");
  w.cloud->send(data);
  w.client->send(data);
  w.cloud->close();
  w.client.reset();
  w.cloud.reset();
  BOOST_TEST(at_cloud.ends == 1);
  BOOST_TEST(at_client.ends == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(letting_go_of_a_connection_closes_it, world, worlds) {
  world w;
  sink at_cloud;
  w.cloud->start(at_cloud.handlers());
  w.client.reset();
  BOOST_TEST(w.until([&] { return at_cloud.look([](auto& s) { return s.ends; }) == 1; }));
}

BOOST_AUTO_TEST_SUITE_END()
