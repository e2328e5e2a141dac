#include "actors/link/mesh.hpp"

#include <boost/test/unit_test.hpp>

#include "test/mesh/world.hpp"

using namespace skerry;
using schema::Probe;
using schema::ProbeState;
using test::counter;
using test::mesh_world;
using test::probe;

BOOST_AUTO_TEST_SUITE(mesh_waiting)

BOOST_AUTO_TEST_CASE(state_ends_on_its_last_value_and_newer_replaces_older) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  auto a = w.put("/node/n1/counter", c.behave());
  auto remote = w.handle("/cloud", "/node/n1/counter");
  auto send = [&](uint64_t n, const std::string& key) {
    w.run([&](caf::event_based_actor* self) { self->send(remote, probe<ProbeState>(n, key)); });
  };
  for (uint64_t i = 1; i <= 50; ++i) send(i, "a"), send(1000 + i, "b");
  BOOST_TEST(w.figures("/cloud", "/node/n1").latest_waiting == 2u);
  BOOST_TEST(w.figures("/cloud", "/node/n1").latest_conflated == 98u);
  w.join("/node/n1");
  BOOST_TEST(c.seen == (std::vector<uint64_t>{50, 1050}), boost::test_tools::per_element());
  BOOST_TEST(w.figures("/cloud", "/node/n1").latest_waiting == 0u);
  // Sent and lost in a cut: sent again.
  c.seen.clear();
  w.net.freeze();
  send(51, "a");
  BOOST_TEST(c.seen.empty());
  BOOST_TEST(w.figures("/cloud", "/node/n1").latest_waiting == 1u);
  w.net.cut();
  w.settle();
  w.join("/node/n1");
  BOOST_TEST(c.seen == (std::vector<uint64_t>{51}), boost::test_tools::per_element());
  // Nobody there: tried again until somebody is.
  caf::anon_send_exit(a, caf::exit_reason::kill);
  w.settle();
  w.at("/node/n1").directory.erase("/node/n1/counter", a.id());
  send(52, "a");
  w.pass(2'000);
  BOOST_TEST(w.figures("/cloud", "/node/n1").latest_waiting == 1u);
  w.put("/node/n1/counter", c.behave());
  w.pass(1'000);
  BOOST_TEST(c.seen == (std::vector<uint64_t>{51, 52}), boost::test_tools::per_element());
  BOOST_TEST(w.figures("/cloud", "/node/n1").latest_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(too_many_fleeting_letters_drop_the_oldest_and_count_them) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  auto remote = w.handle("/cloud", "/node/n1/counter");
  constexpr size_t each = 64 * 1024, many = 2 * limits::fleeting_waiting_bytes_max / each;
  w.run([&](caf::event_based_actor* self) {
    for (size_t i = 1; i <= many; ++i) self->send(remote, probe<Probe>(i, {}, each));
  });
  auto f = w.figures("/cloud", "/node/n1");
  BOOST_TEST(f.waiting_bytes <= limits::fleeting_waiting_bytes_max);
  BOOST_TEST(f.waiting + f.dropped.overflow == many);
  BOOST_TEST(f.dropped.overflow > 0u);
  w.join("/node/n1");
  BOOST_TEST(c.seen.size() == f.waiting);
  BOOST_TEST(c.seen.back() == many);
  BOOST_TEST(w.figures("/cloud", "/node/n1").waiting == 0u);
}

BOOST_AUTO_TEST_CASE(a_mailbox_that_is_not_emptied_stops_the_sender_at_the_window) {
  mesh_world w;
  w.add("/node/n1");
  std::vector<letter<Probe>> held;
  auto slow = w.sys.spawn<caf::lazy_init>(
      [&](caf::event_based_actor*) -> caf::behavior { return {[&](const letter<Probe>& p) { held.push_back(p); }}; });
  w.actors.push_back(slow);
  w.at("/node/n1").directory.put("/node/n1/slow", slow);
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/slow");
  constexpr size_t each = 100 * 1024, many = 2 * limits::letters_window_bytes / each;
  w.run([&](caf::event_based_actor* self) {
    for (size_t i = 1; i <= many; ++i) self->send(remote, probe<Probe>(i, {}, each));
  });
  // The network alone runs: nobody empties the mailbox.
  BOOST_TEST(held.size() == many);  // what is handled is given back, so in the end all of it crosses
  BOOST_TEST(w.figures("/cloud", "/node/n1").waiting == 0u);
  BOOST_TEST(w.figures("/cloud", "/node/n1").unsettled_bytes <= limits::letters_window_bytes);
}

BOOST_AUTO_TEST_CASE(a_connection_in_place_of_another_suspends_as_a_cut_does) {
  mesh_world w;
  w.add("/node/n1");
  w.put("/node/n1/silent", test::silent);
  w.join("/node/n1");
  std::vector<std::string> heard;
  auto observer = w.put("/cloud/observer", [&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const link::link_suspended&) { heard.push_back("suspended"); },
            [&](const link::link_resumed&) { heard.push_back("resumed"); }};
  });
  BOOST_TEST(!w.at("/cloud").links.observe(observer, "/node/n1"));
  auto remote = w.handle("/cloud", "/node/n1/silent");
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe(1)).then([] {}, [&](const caf::error& e) { why = e; });
  });
  w.join("/node/n1");  // the old one is not known to be cut yet
  w.pass(11'000);
  BOOST_TEST((code_of(why) == errc::suspended), message_of(why));
  BOOST_TEST(heard == (std::vector<std::string>{"resumed", "suspended", "resumed"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
