#include <boost/test/unit_test.hpp>

#include "actors/link/join.hpp"
#include "actors/link/outbox.hpp"
#include "actors/link/tokens.hpp"
#include "test/link/world.hpp"

using namespace skerry;

BOOST_AUTO_TEST_SUITE(link_outbox)

struct journal {
  sim::memory_kv kv;
  test::seeded_chance chance{3};
  std::unique_ptr<link::outbox> box;
  journal() { open(); }
  void open() {
    box = std::make_unique<link::outbox>(kv);
    auto e = box->open(chance);
    BOOST_REQUIRE_MESSAGE(!e, message_of(e));
  }
  void status(const std::string& uid, const std::string& json) {
    BOOST_REQUIRE(!box->stage(link::report_pod_status{{"d", uid, uid}, json}));
  }
  void gone(const std::string& uid) { BOOST_REQUIRE(!box->stage(link::report_pod_gone{{"d", uid, uid}})); }
  void event(const std::string& json) { BOOST_REQUIRE(!box->stage(link::report_event{json})); }
  void flush() { BOOST_REQUIRE(!box->flush(1)); }
  std::string text(uint64_t after = 0) {
    std::string out;
    for (uint64_t last = after;;) {
      auto f = box->frame_after(last, last);
      BOOST_REQUIRE(f);
      if (!*f) return out;
      auto facts = *link::read_facts(*f);
      for (auto& x : facts)
        out +=
            std::to_string(x.sequence) + (x.what == link::fact_kind::pod_gone ? "-" + x.pod.uid : ":" + x.json) + " ";
    }
  }
};

BOOST_FIXTURE_TEST_CASE(the_latest_of_a_key_replaces_and_order_stays, journal) {
  status("a", "1");
  status("b", "1");
  flush();
  event("e");
  status("a", "2");
  BOOST_REQUIRE(!box->stage(link::report_node_status{"n1"}));
  status("a", "3");
  flush();
  BOOST_TEST(text() == "2:1 3:e 5:n1 6:3 ");
  gone("a");
  status("a", "late");
  flush();
  status("a", "later");
  flush();
  BOOST_TEST(text() == "2:1 3:e 5:n1 7-a ");
}

BOOST_FIXTURE_TEST_CASE(it_survives_restarts_and_numbers_are_never_given_twice, journal) {
  status("a", "1");
  event("e1");
  flush();
  auto name = box->journal();
  kv.crash();
  open();
  BOOST_TEST(box->journal() == name);
  BOOST_TEST(text() == "1:1 2:e1 ");
  BOOST_REQUIRE(!box->acknowledge(2));
  BOOST_TEST(box->waiting() == 0u);
  kv.crash();  // the removal was not synced: it is sent again
  open();
  BOOST_TEST(text() == "1:1 2:e1 ");
  BOOST_REQUIRE(!box->acknowledge(2));
  event("e2");
  flush();  // synced, and with it what came before
  kv.crash();
  open();
  BOOST_TEST(text() == "3:e2 ");
  status("a", "2");
  flush();
  BOOST_TEST(text(3) == "4:2 ");
}

BOOST_FIXTURE_TEST_CASE(one_sync_for_all_that_waits_and_none_counts_if_it_fails, journal) {
  auto syncs = kv.syncs();
  for (int i = 0; i < 100; ++i) event("e");
  flush();
  BOOST_TEST(kv.syncs() == syncs + 1);
  kv.fail_writes(make_error(errc::full, "no space left on the disk"));
  event("lost");
  status("a", "lost");
  BOOST_TEST((code_of(box->flush(1)) == errc::full));
  kv.fail_writes({});
  BOOST_TEST(box->waiting() == 100u);
  event("kept");
  flush();
  BOOST_TEST(text(100) == "101:kept ");
}

BOOST_FIXTURE_TEST_CASE(events_are_bounded_and_the_oldest_go, journal) {
  status("a", "1");
  for (size_t i = 0; i < limits::events_waiting_max + 20; ++i) event(std::to_string(i));
  flush();
  BOOST_TEST(box->waiting() == limits::events_waiting_max + 1);
  BOOST_TEST(box->events_dropped() == 20u);
  event("new");
  flush();
  BOOST_TEST(box->events_dropped() == 21u);
  BOOST_TEST(text().substr(0, 10) == "1:1 23:21 ");
  open();
  BOOST_TEST(box->waiting() == limits::events_waiting_max + 1);
}

BOOST_FIXTURE_TEST_CASE(broken_entries_are_dropped_and_large_facts_refused, journal) {
  event("good");
  flush();
  ports::kv_batch b;
  b.put("link/f0000000000000009", "garbage");
  BOOST_REQUIRE(kv.write(b, true));
  open();
  BOOST_TEST(box->corrupt_dropped() == 1u);
  BOOST_TEST(text() == "1:good ");
  BOOST_TEST(
      (code_of(box->stage(link::report_event{std::string(limits::fact_bytes_max + 1, 'x')})) == errc::too_large));
  for (int i = 0; i < 5; ++i) event(std::string(300'000, 'x'));
  flush();
  uint64_t last = 0;
  auto f = box->frame_after(0, last);
  BOOST_REQUIRE(f);
  BOOST_TEST(last == 2u);  // 512 KiB for a frame
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(link_tokens)

BOOST_AUTO_TEST_CASE(tokens_are_made_and_read_back) {
  test::seeded_chance chance{5};
  auto t = link::make_token(chance);
  auto pin = "sha256:" + std::string(64, 'a');
  auto full = link::format_full_token(pin, t);
  BOOST_TEST(full == "K10" + std::string(64, 'a') + "::" + t.id + "." + t.secret);
  auto back = link::parse_full_token(full);
  BOOST_REQUIRE(static_cast<bool>(back));
  BOOST_TEST(back->ca_pin == pin);
  BOOST_TEST(back->what.secret == t.secret);
  for (auto bad : {"", "abcdef", "abcdef.0123456789abcde", "ABCDEF.0123456789abcdef", "abcdef.0123456789abcdef.x"}) {
    auto r = link::parse_token(bad);
    BOOST_REQUIRE(!r);
    BOOST_TEST(message_of(r.error()).find("skerry token create") != std::string::npos);
  }
  BOOST_TEST(!link::parse_full_token(link::format_token(t)));
  BOOST_TEST(!link::parse_full_token("K10" + std::string(64, 'A') + "::abcdef.0123456789abcdef"));
}

BOOST_AUTO_TEST_CASE(a_secret_says_who_may_join_and_until_when) {
  link::token t{"abcdef", "0123456789abcdef"};
  auto secret = link::make_token_secret(t, 1'000'000, "for the lighthouse");
  auto info = link::read_token_secret(secret);
  BOOST_REQUIRE(static_cast<bool>(info));
  BOOST_TEST(info->description == "for the lighthouse");
  BOOST_TEST(info->expires_ms == 1'000'000);
  BOOST_TEST(static_cast<bool>(link::check_token(secret, t, 999'999)));
  BOOST_TEST((code_of(link::check_token(secret, t, 1'000'000).error()) == errc::expired));
  BOOST_TEST((code_of(link::check_token(secret, {"abcdef", "0123456789abcdeg"}, 0).error()) == errc::unauthorized));
  BOOST_TEST((code_of(link::check_token(secret, {"abcdeg", "0123456789abcdef"}, 0).error()) == errc::unauthorized));
  BOOST_TEST((code_of(link::check_token({}, t, 0).error()) == errc::unauthorized));
  secret.as_object()["type"] = "Opaque";
  BOOST_TEST((code_of(link::check_token(secret, t, 0).error()) == errc::unauthorized));
}

BOOST_AUTO_TEST_CASE(base64_round_trips) {
  std::string bytes;
  for (int i = 0; i < 260; ++i) {
    auto back = link::base64_decode(link::base64_encode(bytes));
    BOOST_REQUIRE(static_cast<bool>(back));
    BOOST_TEST(*back == bytes);
    bytes += static_cast<char>(i * 7);
  }
  BOOST_TEST(link::base64_encode("Man") == "TWFu");
  BOOST_TEST(link::base64_encode("Ma") == "TWE=");
  BOOST_TEST(!link::base64_decode("a b"));
}

BOOST_AUTO_TEST_CASE(node_names_fit_dns_and_the_certificate) {
  for (auto good : {"a", "n17", "pi-4.lighthouse", "0"}) BOOST_TEST(!link::check_node_name(good), good);
  for (auto bad : {"", "A", "-a", "a-", "a..b", "a.-b", "a_b", "a/b", "a b"})
    BOOST_TEST(static_cast<bool>(link::check_node_name(bad)), bad);
  BOOST_TEST(!link::check_node_name(std::string(52, 'a')));
  BOOST_TEST(static_cast<bool>(link::check_node_name(std::string(53, 'a'))));
}

BOOST_AUTO_TEST_SUITE_END()
