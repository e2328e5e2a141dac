#include <boost/test/unit_test.hpp>

#include "actors/link/outbox.hpp"
#include "test/link/world.hpp"

using namespace skerry;
using test::world;

BOOST_AUTO_TEST_SUITE(status_writer_acknowledges)

/// The store crashes under one frame, and the next one, sent before the session knew, meets its successor: it must not
/// be acknowledged, for that would mean the first one, too.
BOOST_AUTO_TEST_CASE(nothing_behind_a_frame_that_failed) {
  world w{1};
  sim::memory_kv disk;
  link::outbox journal{disk};
  BOOST_REQUIRE(!journal.open(w.chance));
  auto next = [&, last = uint64_t{0}](const char* status) mutable {
    BOOST_REQUIRE(!journal.stage(link::report_node_status{status}));
    BOOST_REQUIRE(!journal.flush(1));
    auto f = journal.frame_after(last, last);
    BOOST_REQUIRE(f);
    return *f;
  };
  auto session = w.sys.spawn([&w](caf::event_based_actor* self) -> caf::behavior {
    auto pass = [self, &w](const auto& m) -> caf::result<uint64_t> {
      auto p = self->make_response_promise();
      self->request(w.actors["status_writer"], caf::infinite, m)
          .then([p](uint64_t n) mutable { p.deliver(n); }, [p](caf::error& e) mutable { p.deliver(std::move(e)); });
      return p;
    };
    return {[pass](const link::facts_arrived& m) { return pass(m); },
            [pass](const link::get_facts_acked& m) { return pass(m); }};
  });
  auto ask = [&](auto m) {
    int64_t out = -2;
    w.sys.spawn([&, m](caf::event_based_actor* self) {
      self->request(session, caf::infinite, m)
          .then([&](uint64_t n) { out = static_cast<int64_t>(n); }, [&](const caf::error&) { out = -1; });
    });
    BOOST_REQUIRE(w.until([&] { return out != -2; }));
    return out;
  };
  auto j = journal.journal();
  BOOST_TEST(ask(link::facts_arrived{"n1", j, next("{}")}) == -1);  // of a session that did not begin here
  BOOST_TEST(ask(link::get_facts_acked{"n1", j}) == 0);
  w.cloud_kv.fail_writes(make_error(errc::io, "the disk is gone"));
  BOOST_TEST(ask(link::facts_arrived{"n1", j, next(R"({"phase":"a"})")}) == -1);
  w.cloud_kv.fail_writes({});
  BOOST_TEST(ask(link::facts_arrived{"n1", j, next(R"({"phase":"b"})")}) == -1);
  BOOST_TEST(ask(link::get_facts_acked{"n1", j}) == 0);
  BOOST_TEST(ask(link::facts_arrived{"n1", j, next(R"({"phase":"c"})")}) == 4);
  caf::anon_send_exit(session, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_SUITE_END()
