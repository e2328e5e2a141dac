#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using schema::Probe;
using schema::ProbeFact;
using test::mesh_world;
using test::probe;

namespace {

/// Keeps what it is told in its island's store, effect and receipt in one batch, and answers after that.
struct ledger {
  ports::kv* kv = nullptr;
  bool stamps = true;
  uint64_t crash_on = 0;  ///< a number that kills it, before its effect
  int crashes_left = 0;
  std::vector<uint64_t> seen;  ///< deliveries, repeated ones too

  auto behave() {
    return [this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const letter<ProbeFact>& p) -> caf::result<void> {
        auto n = (*p).getNumber();
        if (n == crash_on && crashes_left-- > 0) throw std::runtime_error("a letter that kills");
        if (n == 666) return make_error(errc::invalid, "nobody wants that");
        seen.push_back(n);
        ports::kv_batch batch;
        batch.put("effect/" + std::to_string(effects()), std::to_string(n));
        if (stamps) link::receipt_of(self).stamp(batch);
        if (auto w = kv->write(batch, false); !w) return std::move(w.error());
        return caf::unit;
      }};
    };
  }
  size_t effects() const { return all().size(); }
  /// The effects on the disk, in order.
  std::vector<uint64_t> all() const {
    std::map<size_t, uint64_t> found;
    (void)kv->scan("effect/", "effect0", [&](std::string_view key, std::string_view value) {
      found[std::stoul(std::string{key.substr(7)})] = std::stoull(std::string{value});
      return true;
    });
    std::vector<uint64_t> out;
    for (auto& [i, n] : found) out.push_back(n);
    return out;
  }
};

std::vector<uint64_t> upto(uint64_t n) {
  std::vector<uint64_t> out;
  for (uint64_t i = 1; i <= n; ++i) out.push_back(i);
  return out;
}

void send_facts(mesh_world& w, const caf::actor& to, uint64_t first, uint64_t last) {
  w.run([to, first, last](caf::event_based_actor* self) {
    for (auto i = first; i <= last; ++i) self->send(to, probe<ProbeFact>(i));
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mesh_durable)

BOOST_AUTO_TEST_CASE(durable_letters_wait_on_disk_and_arrive_once_in_order) {
  mesh_world w;
  auto& node = w.add("/node/n1");
  ledger l;
  l.kv = &node.kv;
  w.put("/node/n1/ledger", l.behave());
  auto remote = w.handle("/cloud", "/node/n1/ledger");
  send_facts(w, remote, 1, 20);
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 20u);
  w.join("/node/n1");
  send_facts(w, remote, 21, 40);
  BOOST_TEST(l.all() == upto(40), boost::test_tools::per_element());
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
  BOOST_TEST(w.figures("/cloud", "/node/n1").lag_ms == 0);
  // Nothing of them stays in the sender's store.
  w.pass(1'000);
  size_t left = 0;
  (void)w.at("/cloud").kv.scan("mesh/out/", "mesh/out0",
                               [&](std::string_view, std::string_view) { return ++left > 0; });
  BOOST_TEST(left == 0u);
  uint64_t answered = 0;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe<ProbeFact>(41)).then([&] { ++answered; });
  });
  BOOST_TEST(answered == 1u);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_crashes_has_its_letters_delivered_again_to_its_successor) {
  mesh_world w;
  auto& node = w.add("/node/n1");
  ledger l;
  l.kv = &node.kv;
  l.crash_on = 3;
  l.crashes_left = 1;
  auto a = w.put("/node/n1/ledger", l.behave());
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/ledger");
  send_facts(w, remote, 1, 6);
  BOOST_TEST(l.all() == upto(2), boost::test_tools::per_element());
  w.pass(200);
  BOOST_TEST(l.all() == upto(2), boost::test_tools::per_element());
  w.put("/node/n1/ledger", l.behave());
  w.pass(200);
  BOOST_TEST(l.all() == upto(6), boost::test_tools::per_element());
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_letter_that_is_refused_or_kills_five_times_goes_to_the_dead_letters) {
  mesh_world w;
  auto& node = w.add("/node/n1");
  ledger l;
  l.kv = &node.kv;
  l.crash_on = 2;
  l.crashes_left = 100;
  w.put("/node/n1/ledger", l.behave());
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/ledger");
  send_facts(w, remote, 1, 3);
  for (int i = 0; i < 5; ++i) {
    w.pass(100);
    w.put("/node/n1/ledger", l.behave());
  }
  w.pass(200);
  BOOST_TEST(l.all() == (std::vector<uint64_t>{1, 3}), boost::test_tools::per_element());
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe<ProbeFact>(666)).then([] {}, [&](const caf::error& e) { why = e; });
  });
  BOOST_TEST((code_of(why) == errc::invalid));
  auto dead = node.links.dead_letters();
  BOOST_REQUIRE(dead.size() == 2u);
  BOOST_TEST(dead[0].to == "/node/n1/ledger");
  BOOST_TEST(dead[0].type == "ProbeFact");
  BOOST_TEST(dead[1].why == "nobody wants that");
  BOOST_TEST(w.figures("/node/n1", "/cloud").dropped.dead == 2u);
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_durable_letter_over_a_relay_arrives_once) {
  mesh_world w;
  auto& node = w.add("/node/n1");
  w.add("/repl/7");
  ledger l;
  l.kv = &node.kv;
  w.put("/node/n1/ledger", l.behave());
  w.join("/repl/7");
  auto remote = w.handle("/repl/7", "/node/n1/ledger");
  send_facts(w, remote, 1, 5);
  w.pass(100);
  BOOST_TEST(w.figures("/repl/7", "/cloud").durable_waiting == 0u);  // the relay has them
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 5u);
  w.join("/node/n1");
  w.pass(100);
  BOOST_TEST(l.all() == upto(5), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_full_journal_refuses_and_says_so) {
  mesh_world w;
  w.add("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/ledger");
  constexpr size_t each = 1024 * 1024, many = limits::durable_waiting_bytes_max / each;
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    for (size_t i = 0; i < many; ++i) self->send(remote, probe<ProbeFact>(i, {}, each));
    self->request(remote, caf::infinite, probe<ProbeFact>(0, {}, each))
        .then([] {}, [&](const caf::error& e) { why = e; });
  });
  BOOST_TEST((code_of(why) == errc::too_many), message_of(why));
  auto f = w.figures("/cloud", "/node/n1");
  BOOST_TEST(f.durable_bytes <= limits::durable_waiting_bytes_max);
  BOOST_TEST(f.dropped.overflow >= 1u);
  w.at("/cloud").links.forget("/node/n1");
  size_t left = 0;
  (void)w.at("/cloud").kv.scan("mesh/out/", "mesh/out0",
                               [&](std::string_view, std::string_view) { return ++left > 0; });
  BOOST_TEST(left == 0u);
}

/// Cuts, power cuts of either side and crashes of the receiver, at random; in the end every letter has had its effect
/// once, in order. The receiver stamps its effects, so that is exact.
BOOST_AUTO_TEST_CASE(cuts_and_power_cuts_lose_nothing_and_repeat_nothing) {
  auto from = std::getenv("SKERRY_SEED") ? std::strtoull(std::getenv("SKERRY_SEED"), nullptr, 10) : 1;
  auto to = std::getenv("SKERRY_SEED") ? from : 60;
  for (auto seed = from; seed <= to; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed << ": run it alone with SKERRY_SEED=" << seed) {
      mesh_world w{seed};
      w.add("/node/n1");
      ledger l;
      l.kv = &w.at("/node/n1").kv;
      w.put("/node/n1/ledger", l.behave());
      w.join("/node/n1");
      uint64_t sent = 0, safe = 0;
      for (int round = 0; round < 30; ++round) {
        auto remote = w.handle("/cloud", "/node/n1/ledger");
        auto n = w.chance.below(20);
        for (uint64_t i = 0; i < n; ++i) {
          auto number = ++sent;
          w.actors.push_back(w.sys.spawn(
              [remote, number](caf::event_based_actor* self) { self->send(remote, probe<ProbeFact>(number)); }));
          while (w.coordinator().jobs.size() > 3) w.turn();
          while (w.at("/cloud").links.core().sequence() < number) w.turn();
        }
        for (auto i = w.chance.below(60); i > 0; --i) w.turn();
        switch (w.chance.below(5)) {
          case 0:
            w.net.cut();
            break;
          case 1:
            w.net.freeze();
            for (auto i = w.chance.below(30); i > 0; --i) w.turn();
            w.net.cut();
            break;
          case 2:
            w.settle();  // what is not synced by then is lost with the power, and the sender knows
            w.restart("/cloud");
            break;
          case 3:
            w.restart("/node/n1");
            l.kv = &w.at("/node/n1").kv;
            w.put("/node/n1/ledger", l.behave());
            break;
          default:
            w.end("/node/n1/ledger");
            w.put("/node/n1/ledger", l.behave());
            break;
        }
        safe = sent;
        w.settle();
        w.join("/node/n1");
      }
      w.pass(5'000);
      BOOST_TEST(l.all() == upto(safe), boost::test_tools::per_element());
      BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
