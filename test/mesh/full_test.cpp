// What happens at each bound that is not the drop of the oldest (waiting_test.cpp) nor a refusal (durable_test.cpp).
#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using schema::ProbeFact;
using schema::ProbeState;
using test::mesh_world;
using test::probe;

namespace {

constexpr size_t each = 1024 * 1024;
constexpr uint64_t many = limits::durable_waiting_bytes_max / each;

/// A node whose durable letters to the cloud fill its journal.
struct full_journal : mesh_world {
  explicit full_journal(uint32_t block) {
    block_ms = block;
    add("/node/n1");
    put("/cloud/ledger", [this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const letter<ProbeFact>& p) { seen.push_back((*p).getNumber()); }};
    });
    to = handle("/node/n1", "/cloud/ledger");
    for (uint64_t n = 1; n < many; ++n) caf::anon_send(to, probe<ProbeFact>(n, {}, each));
    settle();
  }
  link::link_figures node() { return figures("/node/n1", "/cloud"); }

  std::vector<uint64_t> seen;
  caf::actor to;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mesh_full)

BOOST_AUTO_TEST_CASE(a_sender_is_not_held_for_ever) {
  full_journal w{20};
  caf::anon_send(w.to, probe<ProbeFact>(many, {}, each));
  BOOST_TEST(w.node().durable_waiting == many - 1);
  BOOST_TEST(w.node().dropped.overflow == 1u);
  BOOST_TEST(w.at("/node/n1").links.dead_letters().size() == 1u);
}

BOOST_AUTO_TEST_CASE(state_of_too_many_keys_is_refused_and_counted_and_known_keys_go_on) {
  mesh_world w;
  w.add("/node/n1");
  auto to = w.handle("/cloud", "/node/n1/board");
  for (size_t i = 0; i < limits::latest_waiting_max; ++i) caf::anon_send(to, probe<ProbeState>(1, std::to_string(i)));
  BOOST_TEST(w.figures("/cloud", "/node/n1").dropped.overflow == 0u);
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    self->request(to, caf::infinite, probe<ProbeState>(1, "one more"))
        .then([] {}, [&](const caf::error& e) { why = e; });
  });
  BOOST_TEST((code_of(why) == errc::too_many), message_of(why));
  caf::anon_send(to, probe<ProbeState>(2, "0"));
  auto f = w.figures("/cloud", "/node/n1");
  BOOST_TEST(f.latest_waiting == limits::latest_waiting_max);
  BOOST_TEST(f.latest_conflated == 1u);
  BOOST_TEST(f.dropped.overflow == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
