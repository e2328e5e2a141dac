#include "actors/link/mesh.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using schema::Probe;
using schema::ProbeState;
using test::counter;
using test::mesh_world;
using test::probe;

BOOST_AUTO_TEST_SUITE(mesh)

BOOST_AUTO_TEST_CASE(a_handle_for_a_path_works_as_one_at_home) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/counter");
  BOOST_TEST(w.at("/cloud").links.path_of(remote) == "/node/n1/counter");
  BOOST_TEST((w.handle("/cloud", "/node/n1/counter") == remote));

  uint64_t answer = 0;
  w.run([&](caf::event_based_actor* self) {
    self->send(remote, probe(1));
    self->send(remote, probe(2));
    self->request(remote, caf::infinite, probe(21)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  BOOST_TEST(c.seen == (std::vector<uint64_t>{1, 2, 21}), boost::test_tools::per_element());
  BOOST_TEST(answer == 42u);
  auto f = w.figures("/cloud", "/node/n1");
  BOOST_TEST(f.up);
  BOOST_TEST(f.letters_out == 3u);
  BOOST_TEST(f.calls == 0u);
  BOOST_TEST(f.waiting == 0u);
}

BOOST_AUTO_TEST_CASE(who_receives_can_write_back_to_an_actor_with_or_without_a_path) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/counter");
  std::vector<uint64_t> back;
  auto listen = [&](caf::event_based_actor* self) -> caf::behavior {
    self->send(remote, probe(5));
    return {[&](const letter<Probe>& p) { back.push_back((*p).getNumber()); }};
  };
  w.put("/cloud/asker", listen);
  w.put("/cloud/asker-without-a-path", listen);
  w.at("/cloud").directory.erase("/cloud/asker-without-a-path",
                                 w.at("/cloud").directory.find("/cloud/asker-without-a-path").id());
  w.settle();
  BOOST_REQUIRE(c.senders.size() == 2u);
  auto& node = w.at("/node/n1").links;
  BOOST_TEST(node.path_of(caf::actor_cast<caf::actor>(c.senders[0])) == "/cloud/asker");
  BOOST_TEST(node.path_of(caf::actor_cast<caf::actor>(c.senders[1])).starts_with("/cloud/@"));
  back.clear();  // what the handler returned came back too, as it does at home
  w.run([&](caf::event_based_actor* self) {
    for (auto& s : c.senders) self->send(caf::actor_cast<caf::actor>(s), probe(77));
  });
  BOOST_TEST(back == (std::vector<uint64_t>{77, 77}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(delegation_and_promises_cross_the_link) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  w.join("/node/n1");
  auto counting = w.handle("/cloud", "/node/n1/counter");
  // The cloud delegates to the node; the node's promise is kept later, by way of an actor of the cloud.
  w.put("/cloud/front", [&](caf::event_based_actor* self) -> caf::behavior {
    return {[self, counting](const letter<Probe>& p) { return self->delegate(counting, p); }};
  });
  w.put("/node/n1/slow", [&](caf::event_based_actor* self) -> caf::behavior {
    auto front = w.handle("/node/n1", "/cloud/front");
    return {[self, front](const letter<Probe>& p) {
      auto promise = self->make_response_promise<letter<Probe>>();
      self->request(front, caf::infinite, probe((*p).getNumber() + 1))
          .then([promise](const letter<Probe>& answer) mutable { promise.deliver(answer); },
                [promise](caf::error& e) mutable {
                  BOOST_ERROR(message_of(e));
                  promise.deliver(std::move(e));
                });
      return promise;
    }};
  });
  auto slow = w.handle("/cloud", "/node/n1/slow");
  uint64_t answer = 0;
  w.run([&](caf::event_based_actor* self) {
    self->request(slow, caf::infinite, probe(4)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  BOOST_TEST(c.seen == (std::vector<uint64_t>{5}), boost::test_tools::per_element());
  BOOST_TEST(answer == 10u);
  BOOST_TEST(w.figures("/cloud", "/node/n1").calls == 0u);
  BOOST_TEST(w.figures("/node/n1", "/cloud").calls == 0u);
}

BOOST_AUTO_TEST_CASE(an_error_and_an_empty_answer_come_back_as_they_are) {
  mesh_world w;
  w.add("/node/n1");
  w.put("/node/n1/picky", [](caf::event_based_actor*) -> caf::behavior {
    return {[](const letter<Probe>& p) -> caf::result<void> {
      if ((*p).getNumber() == 1) return make_error(errc::conflict, "not now");
      return caf::unit;
    }};
  });
  w.join("/node/n1");
  auto picky = w.handle("/cloud", "/node/n1/picky");
  caf::error refused, nobody, unknown;
  bool empty = false;
  auto absent = w.handle("/cloud", "/node/n1/nobody");
  w.run([&](caf::event_based_actor* self) {
    self->request(picky, caf::infinite, probe(1)).then([] {}, [&](const caf::error& e) { refused = e; });
    self->request(picky, caf::infinite, probe(2)).then([&] { empty = true; });
    self->request(picky, caf::infinite, probe<ProbeState>(2)).then([] {}, [&](const caf::error& e) { unknown = e; });
    self->request(absent, caf::infinite, probe(2)).then([] {}, [&](const caf::error& e) { nobody = e; });
  });
  BOOST_TEST((code_of(refused) == errc::conflict));
  BOOST_TEST(message_of(refused) == "not now");
  BOOST_TEST(empty);
  BOOST_TEST((unknown == caf::sec::unexpected_message));
  BOOST_TEST((code_of(nobody) == errc::unavailable));
  BOOST_TEST(message_of(nobody).find("/node/n1/nobody") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_path_outlives_restarts_of_its_actor_and_each_end_is_told_once) {
  mesh_world w;
  w.add("/node/n1");
  counter first, second;
  auto a = w.put("/node/n1/counter", first.behave());
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/counter");
  std::vector<caf::error> downs;
  auto watch = [&](caf::event_based_actor* self) {
    self->set_down_handler([&](caf::scheduled_actor*, caf::down_msg& m) {
      BOOST_TEST((m.source == remote.address()));
      downs.push_back(m.reason);
    });
    self->monitor(remote);
  };
  w.run(watch);
  w.run([&](caf::event_based_actor* self) { self->send(remote, probe(1)); });
  BOOST_TEST(downs.empty());
  w.net.cut();  // a partition is nobody's end
  w.settle();
  w.pass(1'000);
  BOOST_TEST(downs.empty());
  w.join("/node/n1");
  BOOST_TEST(downs.empty());
  caf::anon_send_exit(a, caf::exit_reason::kill);
  w.settle();
  BOOST_REQUIRE(downs.size() == 1u);
  BOOST_TEST((downs[0] == caf::exit_reason::kill));
  auto b = w.put("/node/n1/counter", second.behave());
  w.run([&](caf::event_based_actor* self) { self->send(remote, probe(2)); });
  BOOST_TEST(second.seen == (std::vector<uint64_t>{2}), boost::test_tools::per_element());
  // An end during a cut is told when the link is back.
  w.run(watch);
  w.net.cut();
  w.settle();
  caf::anon_send_exit(b, caf::exit_reason::user_shutdown);
  w.settle();
  counter third;
  w.put("/node/n1/counter", third.behave());
  BOOST_TEST(downs.size() == 1u);
  w.join("/node/n1");
  BOOST_TEST(downs.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_request_over_a_cut_link_ends_with_suspended_when_its_time_is_up) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  auto remote = w.handle("/cloud", "/node/n1/counter");
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe(1))
        .then([](const letter<Probe>&) {}, [&](const caf::error& e) { why = e; });
  });
  w.pass(9'000);
  BOOST_TEST(!why);
  w.pass(2'000);
  BOOST_TEST((code_of(why) == errc::suspended), message_of(why));
  BOOST_TEST(w.figures("/cloud", "/node/n1").dropped.expired == 1u);
  // What has time left crosses when the link is there.
  uint64_t answer = 0;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe(3)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  w.pass(5'000);
  w.join("/node/n1");
  BOOST_TEST(answer == 6u);
  BOOST_TEST(c.seen == (std::vector<uint64_t>{3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_answer_lost_in_a_cut_ends_with_suspended_too) {
  mesh_world w;
  w.add("/node/n1");
  w.put("/node/n1/silent", test::silent);
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/silent");
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe(1)).then([] {}, [&](const caf::error& e) { why = e; });
  });
  w.pass(60'000);
  BOOST_TEST(!why);  // the link stands: it may take its time
  w.net.cut();
  w.settle();
  w.join("/node/n1");
  w.pass(11'000);
  BOOST_TEST((code_of(why) == errc::suspended), message_of(why));
}

BOOST_AUTO_TEST_CASE(an_island_behind_the_cloud_is_reached_through_it) {
  mesh_world w;
  w.add("/node/n1");
  w.add("/repl/7");
  counter c;
  auto a = w.put("/node/n1/counter", c.behave());
  w.join("/node/n1");
  w.join("/repl/7");
  auto remote = w.handle("/repl/7", "/node/n1/counter");
  uint64_t answer = 0;
  std::vector<caf::error> downs;
  w.run([&](caf::event_based_actor* self) {
    self->set_down_handler([&](caf::scheduled_actor*, caf::down_msg& m) { downs.push_back(m.reason); });
    self->monitor(remote);
    self->request(remote, caf::infinite, probe(8)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  BOOST_TEST(answer == 16u);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  w.settle();
  BOOST_TEST(downs.size() == 1u);
  // Suspended one hop away: the relay says so.
  w.net.cut();
  w.settle();
  w.join("/repl/7");
  caf::error why;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe(1))
        .then([](const letter<Probe>&) {}, [&](const caf::error& e) { why = e; });
  });
  w.pass(11'000);
  BOOST_TEST((code_of(why) == errc::suspended), message_of(why));
}

BOOST_AUTO_TEST_CASE(a_node_reaches_the_cloud_alone_and_ends_nobody) {
  mesh_world w;
  w.add("/node/n1");
  w.add("/node/n2");
  counter mine, admin;
  auto a = w.put("/cloud/counter", mine.behave());
  w.put("/cloud/admin", admin.behave());
  w.join("/node/n1");
  BOOST_TEST((code_of(w.at("/node/n1").links.resolve("/node/n2/x").error()) == errc::forbidden));
  BOOST_TEST((code_of(w.at("/node/n1").links.resolve("/cloud/admin").error()) == errc::forbidden));
  BOOST_TEST((code_of(w.at("/node/n1").links.resolve("nonsense").error()) == errc::invalid));
  BOOST_TEST((code_of(w.at("/cloud").links.resolve("/cloud/nobody").error()) == errc::not_found));
  // A node that does not hold itself to that is refused by the cloud.
  auto forged = caf::actor_cast<caf::actor>(w.at("/node/n1").links.core().proxy_for("/cloud/admin"));
  auto other = caf::actor_cast<caf::actor>(w.at("/node/n1").links.core().proxy_for("/node/n2/x"));
  std::vector<errc> refused;
  w.run([&](caf::event_based_actor* self) {
    for (auto& to : {forged, other})
      self->request(to, caf::infinite, probe(1))
          .then([](const letter<Probe>&) {}, [&](const caf::error& e) { refused.push_back(code_of(e)); });
    self->send_exit(w.handle("/node/n1", "/cloud/counter"), caf::exit_reason::kill);
  });
  BOOST_TEST((refused == std::vector<errc>{errc::forbidden, errc::forbidden}));
  BOOST_TEST(admin.seen.empty());
  BOOST_TEST(w.figures("/cloud", "/node/n1").dropped.forbidden == 3u);
  BOOST_TEST((w.handle("/cloud", "/cloud/counter") == a));
  uint64_t answer = 0;
  w.run([&](caf::event_based_actor* self) {
    self->request(a, caf::infinite, probe(1)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  BOOST_TEST(answer == 2u);
}

BOOST_AUTO_TEST_CASE(observers_hear_of_cuts_and_a_held_link_waits) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  std::vector<std::string> heard;
  auto observer = w.put("/cloud/observer", [&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const link::link_suspended& m) { heard.push_back("-" + m.island); },
            [&](const link::link_resumed& m) { heard.push_back("+" + m.island); }};
  });
  BOOST_TEST(!w.at("/cloud").links.observe(observer, "/node/n1"));
  BOOST_TEST((code_of(w.at("/cloud").links.observe(observer, "/node/n1/x")) == errc::invalid));
  w.settle();
  w.join("/node/n1");
  w.net.cut();
  w.settle();
  w.join("/node/n1");
  w.at("/cloud").links.hold("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/counter");
  w.run([&](caf::event_based_actor* self) { self->send(remote, probe(1)); });
  BOOST_TEST(c.seen.empty());
  BOOST_TEST(w.figures("/cloud", "/node/n1").held);
  w.at("/cloud").links.release("/node/n1");
  w.settle();
  BOOST_TEST(c.seen.size() == 1u);
  BOOST_TEST(
      heard == (std::vector<std::string>{"-/node/n1", "+/node/n1", "-/node/n1", "+/node/n1", "-/node/n1", "+/node/n1"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_deleted_node_is_down) {
  mesh_world w;
  w.add("/node/n1");
  counter c;
  w.put("/node/n1/counter", c.behave());
  auto remote = w.handle("/cloud", "/node/n1/counter");
  caf::error why, down;
  w.run([&](caf::event_based_actor* self) {
    self->set_down_handler([&](caf::scheduled_actor*, caf::down_msg& m) { down = m.reason; });
    self->monitor(remote);
    self->request(remote, caf::infinite, probe(1))
        .then([](const letter<Probe>&) {}, [&](const caf::error& e) { why = e; });
  });
  w.at("/cloud").links.forget("/node/n1");
  w.settle();
  BOOST_TEST((code_of(why) == errc::unavailable));
  BOOST_TEST((code_of(down) == errc::unavailable));
  caf::error later;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe(1))
        .then([](const letter<Probe>&) {}, [&](const caf::error& e) { later = e; });
  });
  BOOST_TEST((code_of(later) == errc::unavailable));
  // A node of the same name starts anew.
  w.join("/node/n1");
  uint64_t answer = 0;
  auto anew = w.handle("/cloud", "/node/n1/counter");
  w.run([&](caf::event_based_actor* self) {
    self->request(anew, caf::infinite, probe(2)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  BOOST_TEST(answer == 4u);
}

BOOST_AUTO_TEST_CASE(a_bound_path_at_home_outlives_restarts_too) {
  mesh_world w;
  counter first, second;
  auto a = w.put("/cloud/counter", first.behave());
  auto bound = *w.at("/cloud").links.bind("/cloud/counter");
  BOOST_TEST((w.handle("/cloud", "/cloud/counter") == a));
  caf::error down;
  w.run([&](caf::event_based_actor* self) {
    self->set_down_handler([&](caf::scheduled_actor*, caf::down_msg& m) { down = m.reason; });
    self->monitor(bound);
    self->send(bound, probe(1));
  });
  caf::anon_send_exit(a, caf::exit_reason::kill);
  w.settle();
  BOOST_TEST((down == caf::exit_reason::kill));
  w.put("/cloud/counter", second.behave());
  w.run([&](caf::event_based_actor* self) { self->send(bound, probe(2)); });
  BOOST_TEST(first.seen.size() == 1u);
  BOOST_TEST(second.seen.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
