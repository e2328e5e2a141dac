// Who may reach whom, and what a REPL leaves behind.
#include "actors/link/reach.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "schema/error.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using namespace skerry::test;
using link::passage;
using schema::Probe;
using errand = passage::errand;

namespace {

bool may(std::string_view from, std::string_view to, errand what, bool invited = false) {
  return link::default_reach({from, to, what, invited});
}

constexpr errand all[] = {errand::tell, errand::ask, errand::watch, errand::exit};

/// Keeps what it is told and answers nothing.
struct listener {
  std::vector<uint64_t> seen;
  auto behave() {
    return [this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const letter<Probe>& p) { seen.push_back((*p).getNumber()); }};
    };
  }
};

/// A cloud, two nodes and a REPL, whose client counts what it is told.
struct fleet : mesh_world {
  listener told, other, n1, n2;
  fleet() {
    for (auto* i : {"/node/n1", "/node/n2", "/repl/7"}) {
      add(i);
      join(i);
    }
    put("/repl/7/client", told.behave());
    put("/repl/7/other", other.behave());
    put("/node/n1/x", n1.behave());
    put("/node/n2/x", n2.behave());
  }
  /// As the client would: a letter from its path.
  void client_tells(const std::string& path) {
    auto client = at("/repl/7").directory.find("/repl/7/client");
    auto to = handle("/repl/7", path);
    caf::actor_cast<caf::strong_actor_ptr>(to)->enqueue(caf::actor_cast<caf::strong_actor_ptr>(client),
                                                        caf::make_message_id(), caf::make_message(probe(1)), nullptr);
    settle();
  }
  /// As a node would that does not hold itself to the rules.
  void node_tells(const std::string& node, const std::string& path) {
    auto to = at(node).links.core().proxy_for(path);
    run([&](caf::event_based_actor* self) { self->send(caf::actor_cast<caf::actor>(to), probe(5)); });
  }
  errc node_asks(const std::string& node, const std::string& path) {
    auto to = at(node).links.core().proxy_for(path);
    auto code = errc::none;
    run([&](caf::event_based_actor* self) {
      self->request(caf::actor_cast<caf::actor>(to), caf::infinite, probe(5))
          .then([] {}, [&](const caf::error& e) { code = code_of(e); });
    });
    return code;
  }
  uint64_t forbidden(const std::string& node) { return figures("/cloud", node).dropped.forbidden; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reach)

BOOST_AUTO_TEST_CASE(the_rules) {
  for (auto what : all)
    for (auto invited : {false, true}) {
      for (auto* from : {"/cloud", "/repl/7"})
        for (auto* to : {"/cloud/admin", "/cloud/x", "/node/n1/admin", "/repl/8/client", "/controller/d/x"})
          BOOST_TEST(may(from, to, what, invited), from << " to " << to);
      for (auto* to : {"/cloud/x", "/cloud/administration", "/cloud/api/admin", "/node/n1/pod/u", "/repl/8/client",
                       "/controller/d/x", "/controller/c/admin"})
        BOOST_TEST(may("/controller/c", to, what, invited), to);
      for (auto* to : {"/cloud/admin", "/cloud/admin/x", "/node/n1/admin", "/repl/8/admin", "/controller/d/admin"})
        BOOST_TEST(!may("/controller/c", to, what, invited), to);
      BOOST_TEST(may("/node/n1", "/node/n1/agent", what, invited));
      for (auto* to : {"/node/n2/agent", "/node/n11/agent", "/cloud/admin", "/cloud/admin/x", "/controller/c/x", "/x"})
        BOOST_TEST(!may("/node/n1", to, what, invited), to);
      BOOST_TEST(may("/node/n1", "/cloud/x", what, invited) == (what != errand::exit));
      BOOST_TEST(may("/node/n1", "/repl/7/client", what, invited) == (invited && what == errand::tell));
      BOOST_TEST(!may("/elsewhere/n1", "/cloud/x", what, invited));
    }
}

BOOST_AUTO_TEST_CASE(invitations_end_and_are_bounded) {
  link::invitations i;
  i.note("/repl/7/client", "/node/n1", 1'000);
  BOOST_TEST(i.hold("/repl/7/client", "/node/n1", 1'000 + link::invitation_ms - 1));
  BOOST_TEST(!i.hold("/repl/7/client", "/node/n1", 1'000 + link::invitation_ms));
  BOOST_TEST(!i.hold("/repl/7/other", "/node/n1", 1'000));
  BOOST_TEST(!i.hold("/repl/7/client", "/node/n2", 1'000));
  i.note("/repl/7/client", "/node/n1", 50'000);
  BOOST_TEST(i.hold("/repl/7/client", "/node/n1", 70'000));
  i.note("/repl/77/client", "/node/n1", 50'000);
  i.forget("/repl/7");
  BOOST_TEST(!i.hold("/repl/7/client", "/node/n1", 50'001));
  BOOST_TEST(i.hold("/repl/77/client", "/node/n1", 50'001));
  i.forget("/node/n1");
  BOOST_TEST(i.size() == 0u);
  for (size_t n = 0; n < link::invitations_max + 10; ++n)
    i.note("/repl/7/client", "/node/n" + std::to_string(n), static_cast<int64_t>(n));
  BOOST_TEST(i.size() == link::invitations_max);
  BOOST_TEST(!i.hold("/repl/7/client", "/node/n9", 10));
  BOOST_TEST(i.hold("/repl/7/client", "/node/n10", 10));
}

BOOST_AUTO_TEST_CASE(a_node_tells_a_repl_what_it_asked_for_and_no_more) {
  fleet w;
  w.node_tells("/node/n1", "/repl/7/client");
  BOOST_TEST(w.forbidden("/node/n1") == 1u);
  BOOST_TEST((code_of(w.at("/node/n1").links.resolve("/repl/7/client").error()) == errc::forbidden));
  w.client_tells("/node/n1/x");
  BOOST_TEST(w.n1.seen.size() == 1u);
  w.node_tells("/node/n1", "/repl/7/client");
  BOOST_TEST(w.told.seen == std::vector<uint64_t>{5}, boost::test_tools::per_element());
  // Another errand, another actor, another node, a letter that must be kept.
  BOOST_TEST((w.node_asks("/node/n1", "/repl/7/client") == errc::forbidden));
  w.node_tells("/node/n1", "/repl/7/other");
  w.node_tells("/node/n2", "/repl/7/client");
  auto kept = w.at("/node/n1").links.core().proxy_for("/repl/7/client");
  w.run([&](caf::event_based_actor* self) {
    self->send_exit(caf::actor_cast<caf::actor>(kept), caf::exit_reason::kill);
    self->send(caf::actor_cast<caf::actor>(kept), probe<schema::ProbeState>(6));
  });
  BOOST_TEST(w.forbidden("/node/n1") == 5u);
  BOOST_TEST(w.forbidden("/node/n2") == 1u);
  // What is asked again and again may be told again and again; what is not asked any more may not.
  w.pass(link::invitation_ms - 1'000);
  w.client_tells("/node/n1/x");
  w.pass(link::invitation_ms - 1'000);
  w.node_tells("/node/n1", "/repl/7/client");
  BOOST_TEST(w.told.seen.size() == 2u);
  w.pass(2'000);
  w.node_tells("/node/n1", "/repl/7/client");
  BOOST_TEST(w.told.seen.size() == 2u);
  BOOST_TEST(w.other.seen.empty());
}

BOOST_AUTO_TEST_CASE(a_repl_that_left_leaves_no_link_behind) {
  fleet w;
  w.client_tells("/node/n1/x");
  w.node_tells("/node/n1", "/repl/7/client");
  BOOST_TEST(w.told.seen.size() == 1u);
  w.at("/cloud").links.forget("/repl/7");
  for (auto* path : {"/repl/7/client", "/repl/9/client", "/repl/10/client"}) w.node_tells("/node/n1", path);
  BOOST_TEST((w.node_asks("/node/n1", "/repl/11/client") == errc::unavailable));
  BOOST_TEST(w.figures("/cloud", "/node/n1").dropped.no_target == 4u);
  for (auto& l : w.at("/cloud").links.links())
    BOOST_TEST((paths::kind_of(l.island) == paths::island_kind::node), l.island);
  // Another process under its number starts anew.
  w.join("/repl/7");
  w.client_tells("/node/n1/x");
  w.node_tells("/node/n1", "/repl/7/client");
  BOOST_TEST(w.told.seen.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_node_that_was_deleted_and_joins_again_is_reached_by_those_who_stayed) {
  fleet w;
  auto kept = w.handle("/repl/7", "/node/n1/x");
  w.client_tells("/node/n1/x");
  BOOST_TEST(w.n1.seen.size() == 1u);
  w.at("/cloud").links.forget("/node/n1");
  w.settle();
  w.join("/node/n1");
  w.client_tells("/node/n1/x");
  BOOST_TEST(w.n1.seen.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
