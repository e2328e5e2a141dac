// What a fault plan says happens, on the simulated network and to real TLS connections through the proxy.
#include <boost/mpl/vector.hpp>
#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"
#include "sim/ports/sim_transport.hpp"
#include "test/net/world.hpp"
#include "tools/proxy/fault_proxy.hpp"

using namespace skerry;
using sim::fault_plan;
using test::sink;

namespace {

/// A TLS connection through the proxy.
struct tls_world {
  test::tls_server server;
  tools::fault_proxy proxy;
  ports::connection_ptr client, cloud;

  explicit tls_world(fault_plan plan) : proxy(server.acceptor.local_endpoint().port(), [plan] { return plan; }) {
    auto c = server.dial("https://127.0.0.1:" + std::to_string(proxy.port()), server.credentials());
    if (!c) throw std::runtime_error(message_of(c.error()));
    client = *c;
    cloud = server.next_accepted();
  }
  template <class F>
  bool until(F holds) {
    return test::until(holds);
  }
  tools::fault_proxy::counts faults() { return proxy.so_far(); }
};

struct sim_world : ports::link_acceptor, ports::clock {
  int64_t now = 1'000;
  test::seeded_random chance{42};
  sim::sim_network net{chance};
  ports::connection_ptr client, cloud;

  int64_t wall_ms() const override { return 1'764'000'000'000; }
  int64_t steady_ms() const override { return now; }
  void on_link(ports::connection_ptr c) override { cloud = std::move(c); }

  explicit sim_world(fault_plan plan, bool sealed = true) {
    net.set_faults([plan] { return plan; }, this, sealed);
    net.listen("cloud:6443", this);
    net.connect("cloud:6443", {}, 1000, [this](caf::expected<ports::connection_ptr> c) { client = *c; });
    until([&] { return client && cloud; });
  }
  ~sim_world() override {
    client.reset();
    cloud.reset();
  }
  template <class F>
  bool until(F holds) {
    while (!holds()) {
      if (net.step()) continue;
      auto next = net.next_due_ms();
      if (!next || *next <= now) return holds();
      now = *next;
    }
    return true;
  }
  sim::sim_network::fault_counts faults() { return net.faults(); }
};

using worlds = boost::mpl::vector<tls_world, sim_world>;
constexpr uint64_t far = 40'000;  // past the handshake

template <class World>
struct talk {
  World w;
  sink at_client, at_cloud;
  template <class... Ts>
  explicit talk(const fault_plan& plan, Ts... more) : w(plan, more...) {
    w.client->start(at_client.handlers());
    w.cloud->start(at_cloud.handlers());
  }
  ~talk() {
    w.client.reset();
    w.cloud.reset();
    w.until([&] { return ends(at_client) > 0 && ends(at_cloud) > 0; });
  }
  static int ends(sink& s) {
    return s.look([](auto& x) { return x.ends; });
  }
  static size_t size(sink& s) {
    return s.look([](auto& x) { return x.data.size(); });
  }
  static bool begins(sink& s, const ports::bytes& whole) {
    return s.look([&](auto& x) {
      return x.data.size() <= whole.size() && std::equal(x.data.begin(), x.data.end(), whole.begin());
    });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cut_ends_both_ends_after_its_bytes, world, worlds) {
  fault_plan plan;
  plan.cut_after = far;
  talk<world> t{plan};
  auto data = test::pattern(3 * far, 1);
  t.w.client->send(data);
  BOOST_TEST(t.w.until([&] { return t.ends(t.at_client) == 1 && t.ends(t.at_cloud) == 1; }));
  BOOST_TEST((code_of(t.at_cloud.why) == errc::unavailable));
  BOOST_TEST(t.size(t.at_cloud) <= far);
  BOOST_TEST(t.begins(t.at_cloud, data));
  BOOST_TEST(t.w.faults().cuts == 1u);
  BOOST_TEST(t.w.faults().half_open == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_half_open_cut_is_told_to_one_end_alone, world, worlds) {
  fault_plan plan;
  plan.cut_after = far;
  plan.who = fault_plan::told::connector;
  talk<world> t{plan};
  auto data = test::pattern(3 * far, 1);
  t.w.cloud->send(data);
  BOOST_TEST(t.w.until([&] { return t.ends(t.at_client) == 1; }));
  t.w.cloud->send(data);
  BOOST_TEST(t.ends(t.at_cloud) == 0);
  BOOST_TEST(t.w.faults().half_open == 1u);
  t.w.cloud->close();
  BOOST_TEST(t.w.until([&] { return t.ends(t.at_cloud) == 1; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(silence_falls_one_way_and_nobody_is_told, world, worlds) {
  fault_plan plan;
  plan.up.silent_after = far;
  talk<world> t{plan};
  auto up = test::pattern(3 * far, 1), down = test::pattern(2 * far, 2);
  t.w.client->send(up);
  BOOST_TEST(t.w.until([&] { return t.w.faults().silent == 1; }));
  t.w.cloud->send(down);
  BOOST_TEST(t.w.until([&] { return t.size(t.at_client) == down.size(); }));
  BOOST_TEST((t.at_client.data == down));
  BOOST_TEST(t.size(t.at_cloud) <= far);
  BOOST_TEST(t.begins(t.at_cloud, up));
  BOOST_TEST(t.ends(t.at_client) == 0);
  BOOST_TEST(t.ends(t.at_cloud) == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_flipped_bit_never_reaches_a_reader_behind_a_seal, world, worlds) {
  fault_plan plan;
  plan.up.corrupt_at = far;
  talk<world> t{plan};
  auto data = test::pattern(3 * far, 1);
  t.w.client->send(data);
  BOOST_TEST(t.w.until([&] { return t.ends(t.at_cloud) == 1; }));
  BOOST_TEST(t.size(t.at_cloud) <= far);
  BOOST_TEST(t.begins(t.at_cloud, data));
  BOOST_TEST(t.w.faults().corrupt == 1u);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_arrives_where_nothing_seals) {
  fault_plan plan;
  plan.up.corrupt_at = 500;
  talk<sim_world> t{plan, false};
  auto data = test::pattern(1'000, 1);
  t.w.client->send(data);
  BOOST_TEST(t.w.until([&] { return t.size(t.at_cloud) == data.size(); }));
  size_t differ = 0;
  for (size_t i = 0; i < data.size(); ++i) differ += t.at_cloud.data[i] != data[i];
  BOOST_TEST(differ == 1u);
  BOOST_TEST((t.at_cloud.data[500] != data[500]));
}

BOOST_AUTO_TEST_CASE(delays_take_their_time) {
  fault_plan plan;
  plan.up.delay_ms = 60;
  plan.down.delay_ms = 40;
  {
    talk<sim_world> t{plan};
    auto began = t.w.now;
    t.w.client->send(test::pattern(10, 1));
    BOOST_TEST(t.w.until([&] { return t.size(t.at_cloud) == 10; }));
    BOOST_TEST(t.w.now - began == 60);
  }
  talk<tls_world> t{plan};
  auto began = std::chrono::steady_clock::now();
  t.w.client->send(test::pattern(10, 1));
  BOOST_TEST(t.w.until([&] { return t.size(t.at_cloud) == 10; }));
  BOOST_TEST((std::chrono::steady_clock::now() - began >= std::chrono::milliseconds{60}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_slow_reader_gets_all_in_the_end, world, worlds) {
  fault_plan plan;
  plan.up.bytes_per_s = 200'000;
  talk<world> t{plan};
  auto data = test::pattern(60'000, 1);
  t.w.client->send(data);
  BOOST_TEST(t.w.until([&] { return t.size(t.at_cloud) == data.size(); }));
  BOOST_TEST((t.at_cloud.data == data));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_reads_nothing_makes_the_sender_wait, world, worlds) {
  fault_plan plan;
  plan.up.unread_after = far;
  talk<world> t{plan};
  t.w.client->send(test::pattern(far / 2, 1));
  BOOST_TEST(t.w.until([&] { return t.size(t.at_cloud) == far / 2; }));
  constexpr size_t much = 32 * 1024 * 1024;  // more than the kernel and the proxy take
  for (size_t i = 0; i <= much / far; ++i) t.w.client->send(test::pattern(far, 2));
  t.w.cloud->send(test::pattern(far, 3));
  BOOST_TEST(t.w.until([&] { return t.size(t.at_client) == far; }));
  BOOST_TEST(t.w.client->queued() > 0u);
  BOOST_TEST(t.size(t.at_cloud) < much);
}

BOOST_AUTO_TEST_CASE(the_same_seed_draws_the_same_faults) {
  test::seeded_random a{7}, b{7}, c{8};
  std::string first, second, third;
  for (int i = 0; i < 100; ++i) {
    first += sim::draw_faults(a, {}).text() + "\n";
    second += sim::draw_faults(b, {}).text() + "\n";
    third += sim::draw_faults(c, {}).text() + "\n";
  }
  BOOST_TEST(first == second);
  BOOST_TEST(first != third);
  for (const auto* kind : {"cut after", "connector", "listener", "nobody", "silent", "corrupt", "delayed", "read at"})
    BOOST_TEST(first.find(kind) != std::string::npos, kind << " is never drawn");
}

BOOST_AUTO_TEST_SUITE_END()
