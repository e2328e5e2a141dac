#include "drivers/device/bluetooth/gatt.hpp"

#include <boost/test/unit_test.hpp>

#include "drivers/device/bluetooth/scan.hpp"
#include "sim/ports/seeded_random.hpp"
#include "test/bluetooth/server.hpp"

using namespace skerry;
using namespace skerry::drivers::bluetooth;
using test::gatt_server;

namespace {

const auto custom = *device::uuid_of("12345678-1234-5678-1234-56789abc0001");

wanted want(uint32_t uuid, bool notify = true) { return {device::uuid_of_short(uuid), {}, notify}; }

std::string text(const att::bytes& b) { return {b.begin(), b.end()}; }

/// A client and a server, and what is between them.
struct pair {
  gatt_server server;
  gatt_client client;
  std::vector<gatt_event> events;
  int raised = 0, levels = 0;

  explicit pair(std::vector<wanted> wants) : client(std::move(wants), 4'000, [this] { return ++raised <= levels; }) {}
  /// Until nothing is to be said any more.
  void run() {
    for (int i = 0; i < 2'000; ++i) {
      auto out = client.to_send(0);
      if (!out) break;
      if (auto in = server.answer(*out); !in.empty()) client.on_pdu(in, 0);
      for (auto& e : client.take_events()) events.push_back(std::move(e));
    }
    for (auto& e : client.take_events()) events.push_back(std::move(e));
  }
  gatt_event last(gatt_event::kind what) {
    for (auto e = events.rbegin(); e != events.rend(); ++e)
      if (e->what == what) return *e;
    BOOST_FAIL("no such event");
    return {};
  }
};
using kind = gatt_event::kind;

}  // namespace

BOOST_AUTO_TEST_SUITE(gatt_suite)

BOOST_AUTO_TEST_CASE(discovers_subscribes_reads_and_writes) {
  pair p{{want(0x2a6e), {custom, {}, true}, want(0x2a19), want(0x2a00, false), want(0x2aff)}};
  p.server.service(0x1800);
  p.server.characteristic(0x2a00, 0x02,
                          "a peripheral with a name that fills more than one PDU, and then some, of text");
  p.server.service(0x181a);
  auto t = p.server.characteristic(0x2a6e, 0x12, "\x66\x08");
  auto c = p.server.characteristic(custom, 0x2a, {1, 2});
  p.server.service(0x180f);
  auto battery = p.server.characteristic(0x2a19, 0x10, "d");
  p.run();
  BOOST_REQUIRE_MESSAGE(!p.client.broken(), p.client.broken_why());
  BOOST_TEST(p.client.ready());
  BOOST_TEST(p.client.mtu() == 64);
  BOOST_TEST(int{p.server.at(t + 1).value[0]} == 1);  // notifications
  BOOST_TEST(int{p.server.at(c + 1).value[0]} == 2);  // indications: it has no others
  BOOST_TEST(p.server.told_to_tell(battery));
  BOOST_TEST((p.client.subscribed(0) && p.client.subscribed(1) && p.client.subscribed(2) && !p.client.subscribed(3)));
  p.client.read(0);
  p.client.read(0);  // waits already
  p.client.read(3);
  p.run();
  BOOST_TEST(text(p.last(kind::read).value).size() == 77u);
  BOOST_TEST(text(p.last(kind::read).value).ends_with("of text"));
  p.client.read(4);
  p.run();
  BOOST_TEST(p.last(kind::read).why == "the device has no characteristic 2aff");
  p.client.read(2);
  p.run();
  BOOST_TEST(p.last(kind::read).why == "it cannot be read");
  p.client.write(1, 7, {9});
  p.run();
  BOOST_TEST(p.last(kind::written).id == 7u);
  BOOST_TEST(p.last(kind::written).why == "");
  BOOST_TEST((p.server.at(c).value == att::bytes{9}));
  p.client.write(0, 8, {9});
  p.run();
  BOOST_TEST(p.last(kind::written).why == "the characteristic cannot be written");
}

BOOST_AUTO_TEST_CASE(long_values_and_commands) {
  pair p{{want(0x2a01), want(0x2a02), want(0x2a03)}};
  p.server.mtu_max = 23;
  p.server.service(0x1800);
  auto a = p.server.characteristic(0x2a01, 0x0a, "");
  auto b = p.server.characteristic(0x2a02, 0x04, "");
  auto d = p.server.characteristic(0x2a03, 0x0a, std::string(22, 'z'));  // fills its PDU, and is not longer
  p.run();
  att::bytes big(100);
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<uint8_t>(i);
  p.client.write(0, 1, big);
  p.client.read(0);
  p.run();
  BOOST_TEST((p.server.at(a).value == big));
  BOOST_TEST((p.last(kind::read).value == big));
  p.client.write(1, 2, {'h', 'i'});
  p.run();
  BOOST_TEST(p.server.commands.size() == 1u);
  BOOST_TEST((p.server.at(b).value == att::bytes{'h', 'i'}));
  BOOST_TEST(p.last(kind::written).why == "");
  p.client.write(1, 3, big);
  p.run();
  BOOST_TEST(p.last(kind::written).why.find("at most 20 bytes") != std::string::npos);
  p.client.read(2);
  p.run();
  BOOST_TEST(p.last(kind::read).value.size() == 22u);
  p.server.at(d).refuses = 0x80;
  p.client.write(2, 4, big);
  p.client.read(2);
  p.run();
  BOOST_TEST(p.last(kind::written).why == "the device refuses: an error of the application (0x80)");
  BOOST_TEST(p.last(kind::read).why == "the device refuses: an error of the application (0x80)");
  BOOST_TEST(!p.client.broken());
}

BOOST_AUTO_TEST_CASE(told_by_itself) {
  pair p{{want(0x2a6e), want(0x2a19, false)}};
  p.server.service(0x181a);
  auto t = p.server.characteristic(0x2a6e, 0x32, "a");
  auto b = p.server.characteristic(0x2a19, 0x12, "b");
  p.run();
  BOOST_TEST(!p.server.told_to_tell(b));
  p.client.on_pdu(att::pdu(att::notification, {t}, att::bytes{'1'}), 0);
  p.run();
  BOOST_TEST(text(p.last(kind::value).value) == "1");
  p.client.on_pdu(att::pdu(att::indication, {t}, att::bytes{'2'}), 0);
  auto confirmed = p.client.to_send(0);
  BOOST_REQUIRE(confirmed);
  BOOST_TEST((*confirmed == att::bytes{att::confirmation}));
  p.run();
  BOOST_TEST(text(p.last(kind::value).value) == "2");
  p.client.on_pdu(att::pdu(att::notification, {t}, att::bytes(61)), 0);
  p.run();
  BOOST_TEST(!p.last(kind::value).whole);
  p.client.on_pdu(att::pdu(att::notifications, {t, 1}, att::bytes{'3'}), 0);
  p.run();
  BOOST_TEST(text(p.last(kind::value).value) == "3");
}

BOOST_AUTO_TEST_CASE(the_peers_own_requests_are_answered) {
  struct row {
    att::bytes request, answer;
  };
  const row rows[] = {{{0x02, 0x05, 0x02}, {0x03, 0x05, 0x02}},
                      {{0x08, 1, 0, 0xff, 0xff, 0x03, 0x28}, {0x01, 0x08, 1, 0, 0x0a}},
                      {{0x10, 1, 0, 0xff, 0xff, 0x00, 0x28}, {0x01, 0x10, 1, 0, 0x0a}},
                      {{0x04, 7, 0, 9, 0}, {0x01, 0x04, 7, 0, 0x0a}},
                      {{0x0a, 3, 0}, {0x01, 0x0a, 3, 0, 0x01}},
                      {{0x12, 3, 0, 1}, {0x01, 0x12, 3, 0, 0x01}},
                      {{0x18, 1}, {0x01, 0x18, 0, 0, 0x04}},
                      {{0x20, 3, 0, 4, 0}, {0x01, 0x20, 3, 0, 0x06}},
                      {{0x52, 3, 0, 1}, {}},
                      {{0x0b, 1}, {}}};
  for (const auto& r : rows) {
    auto answer = att::answer_to(r.request);
    BOOST_TEST_CONTEXT(int{r.request[0]}) BOOST_TEST((answer.value_or(att::bytes{}) == r.answer));
  }
  pair p{{want(0x2a6e)}};
  BOOST_REQUIRE(p.client.to_send(0));  // our own request is on its way
  p.client.on_pdu(att::bytes{0x02, 23, 0}, 0);
  auto answer = p.client.to_send(0);
  BOOST_REQUIRE(answer);
  BOOST_TEST(int{(*answer)[0]} == 3);
  BOOST_TEST(!p.client.to_send(0));  // one request at a time
}

BOOST_AUTO_TEST_CASE(security_is_raised_and_else_said) {
  pair p{{want(0x2a6e, false)}};
  p.levels = 1;
  p.server.service(0x181a);
  auto t = p.server.characteristic(0x2a6e, 0x02, "a");
  p.server.at(t).refuses = att::insufficient_encryption;
  p.run();
  p.client.read(0);
  p.run();
  BOOST_TEST(p.raised == 2);
  BOOST_TEST(p.last(kind::read).why ==
             "the device refuses: insufficient encryption (0x0f); pair it on the node, with bluetoothctl");
  p.levels = 3;
  p.client.read(0);
  auto out = p.client.to_send(0);
  p.client.on_pdu(p.server.answer(*out), 0);
  p.server.at(t).refuses = 0;
  p.run();
  BOOST_TEST(text(p.last(kind::read).value) == "a");
  // A bearer that is never protected, because nobody pairs.
  p.server.at(t).refuses = att::insufficient_encryption;
  p.levels = 9;
  p.client.read(0);
  out = p.client.to_send(0);
  p.client.on_pdu(p.server.answer(*out), 1'000);
  BOOST_TEST(p.client.raising());
  BOOST_TEST(p.client.due_ms() == 11'000);
  p.client.tick(11'000);
  BOOST_TEST(p.client.broken_why() == "the connection was not encrypted in time");
}

BOOST_AUTO_TEST_CASE(silence_and_garbage_end_the_bearer) {
  pair silent{{want(0x2a6e)}};
  BOOST_REQUIRE(silent.client.to_send(1'000));
  BOOST_TEST(silent.client.due_ms() == 5'000);
  silent.client.tick(4'999);
  BOOST_TEST(!silent.client.broken());
  silent.client.tick(5'000);
  BOOST_TEST(silent.client.broken_why() == "the device did not answer within 4000 ms");
  BOOST_TEST(!silent.client.to_send(5'001));
  pair noisy{{want(0x2a6e)}};
  for (int i = 0; i < 16; ++i) noisy.client.on_pdu(att::bytes{0x0b, 1}, 0);
  BOOST_TEST(noisy.client.broken_why() == "the device sends what is no Attribute Protocol");
  pair flood{{want(0x2a6e)}};
  for (int i = 0; i < 40; ++i) flood.client.on_pdu(att::bytes{0x0a, 1, 0}, 0);
  BOOST_TEST(flood.client.broken_why() == "the device floods with requests");
  // Lists that go round in circles or claim more than they have.
  for (auto list : {att::bytes{0x11, 6, 1, 0, 0, 0, 0, 0x18}, att::bytes{0x11, 6, 0, 0, 5, 0, 0, 0x18},
                    att::bytes{0x11, 6, 9, 0, 5, 0, 0, 0x18}, att::bytes{0x11, 0}, att::bytes{0x11, 20, 1, 0, 2, 0, 1},
                    att::bytes{0x11, 5, 1, 0, 2, 0, 1}, att::bytes{0x11}}) {
    pair p{{want(0x2a6e)}};
    auto out = p.client.to_send(0);
    p.client.on_pdu(p.server.answer(*out), 0);
    BOOST_REQUIRE(p.client.to_send(0));
    p.client.on_pdu(list, 0);
    BOOST_TEST(p.client.broken());
  }
}

BOOST_AUTO_TEST_CASE(no_bytes_do_harm) {
  sim::seeded_random random{20261127};
  auto below = [&](uint64_t n) { return random.next() % n; };
  size_t ready = 0, broken = 0, pdus = 0;
  for (int round = 0; round < 3'000; ++round) {
    pair p{{want(0x2a6e), {custom, device::uuid_of_short(0x181a), true}, want(0x2a19)}};
    p.server.mtu_max = static_cast<uint16_t>(20 + below(600));
    p.server.service(0x181a);
    p.server.characteristic(0x2a6e, 0x3a, "21.5");
    p.server.characteristic(custom, 0x1e, att::bytes(below(90)));
    for (int step = 0; step < 60 && !p.client.broken(); ++step) {
      if (p.client.ready() && below(3) == 0) p.client.read(static_cast<uint32_t>(below(3)));
      if (p.client.ready() && below(3) == 0) p.client.write(static_cast<uint32_t>(below(3)), 1, att::bytes(below(80)));
      auto out = p.client.to_send(step);
      auto in = out ? p.server.answer(*out) : att::bytes{};
      if (below(round % 2 == 0 ? 40 : 6) == 0) {
        if (in.empty() || below(2) == 0) in = att::bytes(below(30), static_cast<uint8_t>(below(256)));
        for (auto n = below(4); n > 0 && !in.empty(); --n) in[below(in.size())] = static_cast<uint8_t>(below(256));
        if (below(3) == 0) in.resize(below(in.size() + 1));
      }
      if (!in.empty() || below(9) == 0) p.client.on_pdu(in, step), ++pdus;
      for (const auto& e : p.client.take_events()) BOOST_REQUIRE(e.value.size() <= att::value_bytes_max);
      att::entries_of(in, static_cast<uint16_t>(below(9)));
      advertisement_of(in);
    }
    ready += p.client.ready() ? 1 : 0;
    broken += p.client.broken() ? 1 : 0;
  }
  BOOST_TEST(pdus > 10'000u);
  BOOST_TEST(ready > 500u);
  BOOST_TEST(broken > 200u);
}

BOOST_AUTO_TEST_CASE(advertisements) {
  att::bytes p{6, 5, 4,    3,    2,    0xc1, 2,    0xc4, 0,   0,   0,   0,   12,
               0, 3, 0x03, 0x1a, 0x18, 7,    0x09, 't',  'h', 'e', 'r', 'm', '\n'};
  auto a = advertisement_of(p);
  BOOST_REQUIRE(a);
  BOOST_TEST(a->mac == "C1:02:03:04:05:06");
  BOOST_TEST((a->type == device::bluetooth_address_type::random_address));
  BOOST_TEST(a->rssi == -60);
  BOOST_TEST(a->name == "therm?");
  BOOST_REQUIRE(a->services.size() == 1u);
  BOOST_TEST(device::text_of(a->services[0]) == "181a");
  p[6] = 0;
  BOOST_TEST(!advertisement_of(p));
  BOOST_TEST(!advertisement_of(att::view{p}.first(13)));
}

BOOST_AUTO_TEST_SUITE_END()
