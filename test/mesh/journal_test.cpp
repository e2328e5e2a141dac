// Acknowledgements belong to the journal whose letters they are of: an island that came back without its disk gives the
// same numbers to other letters.
#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using schema::ProbeFact;
using schema::ProbeState;
using test::mesh_world;
using test::probe;

namespace {

/// A node that sent letters to a receiver in the cloud, which took them and has not answered yet.
struct slow_receiver : mesh_world {
  slow_receiver() {
    add("/node/n1");
    put("/cloud/slow", [this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const letter<ProbeFact>& p) -> caf::result<void> {
        seen.push_back((*p).getNumber());
        held.push_back(self->make_response_promise());
        return caf::delegated<void>{};
      }};
    });
    put("/cloud/board", [](caf::event_based_actor*) -> caf::behavior { return {[](const letter<ProbeState>&) {}}; });
  }
  ~slow_receiver() { held.clear(); }
  void send(uint64_t first, uint64_t last) {
    auto to = handle("/node/n1", "/cloud/slow");
    run([to, first, last](caf::event_based_actor* self) {
      for (auto i = first; i <= last; ++i) self->send(to, probe<ProbeFact>(i));
    });
  }
  /// The receiver's answer to what it holds: its effect is committed.
  void answer() {
    for (auto& p : std::exchange(held, {})) p.deliver(caf::unit);
  }
  /// The cloud settles something of this link: what else is to be told goes with it.
  void send_state() {
    auto to = handle("/node/n1", "/cloud/board");
    run([to](caf::event_based_actor* self) { self->send(to, probe<ProbeState>(1, "key")); });
  }
  /// Actors run, and nothing crosses.
  void run_actors() {
    while (coordinator().try_run_once()) {
    }
  }
  uint64_t waiting() { return figures("/node/n1", "/cloud").durable_waiting; }

  std::vector<uint64_t> seen;
  std::vector<caf::response_promise> held;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mesh_journal)

BOOST_AUTO_TEST_CASE(an_answer_after_the_disk_is_lost_acknowledges_no_letter_of_the_new_one) {
  slow_receiver w;
  w.join("/node/n1");
  w.send(1, 3);
  BOOST_TEST(w.seen.size() == 3u);
  auto old = std::exchange(w.held, {});
  w.restart("/node/n1", false);
  w.join("/node/n1");
  w.send(11, 13);  // the same numbers in the journal
  BOOST_TEST(w.seen == (std::vector<uint64_t>{1, 2, 3, 11, 12, 13}), boost::test_tools::per_element());
  auto fresh = std::exchange(w.held, std::move(old));
  w.answer();
  w.pass(1'000);
  w.send_state();
  BOOST_TEST(w.waiting() == 3u);
  w.held = std::move(fresh);
  w.answer();
  w.pass(1'000);
  BOOST_TEST(w.waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_from_before_the_cut_is_not_told_after_it) {
  // Committed while no connection is there, and while one is there over which the other side has not spoken yet.
  for (auto connected : {false, true}) {
    BOOST_TEST_CONTEXT((connected ? "connected" : "cut")) {
      slow_receiver w;
      w.join("/node/n1");
      w.send(1, 3);
      w.restart("/node/n1", false);
      if (!connected) {
        w.answer();
        w.run_actors();
      }
      w.send(11, 13);
      w.connect("/node/n1");
      if (connected) {
        w.answer();
        w.run_actors();
      }
      w.settle();
      w.send_state();
      BOOST_TEST(w.figures("/node/n1", "/cloud").latest_waiting == 0u);
      BOOST_TEST(w.seen.size() == 6u);
      BOOST_TEST(w.waiting() == 3u);
      w.answer();
      w.pass(1'000);
      BOOST_TEST(w.waiting() == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_before_its_offset_is_on_the_disk) {
  slow_receiver w;
  w.join("/node/n1");
  w.send(1, 3);
  w.at("/cloud").kv.fail_writes(make_error(errc::io, "the disk fails"));
  w.answer();
  w.pass(1'000);
  w.send_state();
  BOOST_TEST(w.waiting() == 3u);
  w.at("/cloud").kv.fail_writes({});
  w.pass(1'000);
  BOOST_TEST(w.waiting() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
