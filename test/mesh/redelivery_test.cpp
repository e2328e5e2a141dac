// Durable letters whose receiver dies at an awkward moment.
#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using schema::ProbeFact;
using test::mesh_world;
using test::probe;

namespace {

std::vector<uint64_t> effects_of(const ports::kv& kv) {
  std::vector<uint64_t> out;
  (void)kv.scan("effect/", "effect0", [&](std::string_view, std::string_view value) {
    out.push_back(std::stoull(std::string{value}));
    return true;
  });
  return out;
}

void add_effect(caf::event_based_actor* self, ports::kv& kv, uint64_t number) {
  ports::kv_batch batch;
  batch.put("effect/" + std::to_string(effects_of(kv).size()), std::to_string(number));
  link::receipt_of(self).stamp(batch);
  if (!kv.write(batch, false)) throw std::runtime_error("the disk fails");
}

void send(mesh_world& w, const caf::actor& to, uint64_t first, uint64_t last) {
  w.run([to, first, last](caf::event_based_actor* self) {
    for (auto i = first; i <= last; ++i) self->send(to, probe<ProbeFact>(i));
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mesh_redelivery)

BOOST_AUTO_TEST_CASE(a_receiver_that_dies_between_effect_and_answer_has_had_its_letter) {
  mesh_world w;
  auto& kv = w.add("/node/n1").kv;
  uint64_t dies_on = 2;
  auto behave = [&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](const letter<ProbeFact>& p) {
      add_effect(self, kv, (*p).getNumber());
      if ((*p).getNumber() == std::exchange(dies_on, 0)) throw std::runtime_error("dies after its effect");
    }};
  };
  w.put("/node/n1/ledger", behave);
  w.join("/node/n1");
  send(w, w.handle("/cloud", "/node/n1/ledger"), 1, 4);
  w.put("/node/n1/ledger", behave);
  w.pass(2'000);
  BOOST_TEST(effects_of(kv) == (std::vector<uint64_t>{1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
  BOOST_TEST(w.figures("/node/n1", "/cloud").dropped.dead == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_receiver_took_and_never_answered_is_its_successors) {
  mesh_world w;
  auto& kv = w.add("/node/n1").kv;
  auto holds = std::make_shared<std::vector<caf::response_promise>>();
  w.put("/node/n1/ledger", [holds](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const letter<ProbeFact>&) -> caf::result<void> {
      holds->push_back(self->make_response_promise());
      return caf::delegated<void>{};
    }};
  });
  w.join("/node/n1");
  send(w, w.handle("/cloud", "/node/n1/ledger"), 1, 3);
  BOOST_TEST(holds->size() == 3u);
  holds->clear();
  w.end("/node/n1/ledger");
  w.put("/node/n1/ledger", [&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](const letter<ProbeFact>& p) { add_effect(self, kv, (*p).getNumber()); }};
  });
  w.pass(2'000);
  BOOST_TEST(effects_of(kv) == (std::vector<uint64_t>{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_answers_with_an_error_and_lives_has_refused) {
  mesh_world w;
  auto& node = w.add("/node/n1");
  std::vector<uint64_t> seen;
  w.put("/node/n1/ledger", [&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const letter<ProbeFact>& p) -> caf::result<void> {
      seen.push_back((*p).getNumber());
      if ((*p).getNumber() == 2) return make_error(errc::internal, "cannot, and lives");
      return caf::unit;
    }};
  });
  w.join("/node/n1");
  send(w, w.handle("/cloud", "/node/n1/ledger"), 1, 4);
  w.pass(2'000);
  BOOST_TEST(std::count(seen.begin(), seen.end(), 2u) == 1);
  auto dead = node.links.dead_letters();
  BOOST_REQUIRE(dead.size() == 1u);
  BOOST_TEST(dead[0].why == "cannot, and lives");
  BOOST_TEST(w.figures("/cloud", "/node/n1").durable_waiting == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
