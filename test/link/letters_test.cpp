// Letters over the links as they are: hub, session and link_client of a node, island_session and island_link of others.
#include <boost/test/unit_test.hpp>

#include "actors/link/island_link.hpp"
#include "actors/link/island_session.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/mesh_actor.hpp"
#include "actors/link/mesh_core.hpp"
#include "schema/probe.capnp.h"
#include "test/link/world.hpp"

using namespace skerry;
using schema::Probe;
using schema::ProbeFact;
using test::world;

namespace {

/// An island's side of the letters, in the world of the links.
struct letters_of {
  letters_of(world& w, const vocabulary& words, const std::string& island, ports::kv* kv)
      : w(w),
        links(link::mesh_args{w.sys, w.ctx, directory, words, island, island == "/cloud" ? "" : "/cloud", kv, 0}) {
    BOOST_REQUIRE(!links.load());
    worker = w.sys.spawn(link::mesh_actor, link::mesh_actor_args{w.ctx, links, island + "/mesh", {}});
    directory.put(island + "/mesh", worker);
  }
  ~letters_of() {
    links.stop();
    for (auto& p : directory.list()) caf::anon_send_exit(directory.find(p), caf::exit_reason::kill);
    w.settle();
  }
  /// Counts the probes that arrive at a path, and answers with twice their number.
  void put(const std::string& path, std::vector<uint64_t>& seen) {
    directory.put(path, w.sys.spawn([&seen](caf::event_based_actor*) -> caf::behavior {
      return {[&seen](const letter<Probe>& p) {
                seen.push_back((*p).getNumber());
                return letter<Probe>::build([&](Probe::Builder b) { b.setNumber((*p).getNumber() * 2); });
              },
              [&seen](const letter<ProbeFact>& p) { seen.push_back((*p).getNumber()); }};
    }));
  }
  uint64_t ask(const std::string& path, uint64_t number) {
    uint64_t answer = 0;
    auto to = links.resolve(path);
    BOOST_REQUIRE(to);
    auto a = w.sys.spawn([&, to = *to](caf::event_based_actor* self) {
      self->request(to, std::chrono::seconds(20), letter<Probe>::build([&](Probe::Builder b) { b.setNumber(number); }))
          .then([&](const letter<Probe>& p) { answer = (*p).getNumber(); },
                [&](const caf::error& e) { BOOST_TEST_MESSAGE(message_of(e)); });
    });
    w.until([&] { return answer != 0; }, 15'000);
    return answer;
  }

  world& w;
  base::directory directory;
  link::mesh links;
  caf::actor worker;
};

struct fixture {
  fixture() { add_standard(words); }
  vocabulary words;
  world w{7};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(letters_over_links, fixture)

BOOST_AUTO_TEST_CASE(a_node_and_its_cloud_exchange_letters_beside_the_session) {
  letters_of cloud{w, words, "/cloud", &w.cloud_kv};
  w.parts->links = &cloud.links;
  w.create("nodes", "", "n1", "uid-n1", "{}");
  w.node_links = nullptr;
  sim::memory_kv disk;
  letters_of node{w, words, "/node/n1", &disk};
  w.node_links = &node.links;
  std::vector<uint64_t> at_node, at_cloud;
  node.put("/node/n1/probe", at_node);
  cloud.put("/cloud/probe", at_cloud);
  auto& e = w.add_edge("n1");
  BOOST_TEST(w.until([&] { return e.state.connected; }));
  BOOST_TEST(cloud.ask("/node/n1/probe", 4) == 8u);
  BOOST_TEST(node.ask("/cloud/probe", 5) == 10u);
  // A cut: what is sent meanwhile arrives when the session is back.
  w.net.cut();
  w.until([&] { return !e.state.connected; });
  auto to = *cloud.links.resolve("/node/n1/probe");
  w.sys.spawn([to](caf::event_based_actor* self) {
    self->send(to, letter<ProbeFact>::build([](ProbeFact::Builder b) { b.setNumber(6); }));
  });
  BOOST_TEST(w.until([&] { return at_node.size() == 2u; }));
  BOOST_TEST(at_node.back() == 6u);
  BOOST_TEST(cloud.links.links().at(0).sessions == 2u);
  BOOST_TEST(w.converged(e));
  // The node is deleted while it is away: nothing waits for it any more, and what did is counted.
  BOOST_TEST(w.until([&] { return cloud.links.links().at(0).durable_waiting == 0; }));
  w.kill(e.link);
  w.settle();
  w.sys.spawn([to](caf::event_based_actor* self) {
    for (uint64_t i = 7; i < 10; ++i)
      self->send(to, letter<ProbeFact>::build([i](ProbeFact::Builder b) { b.setNumber(i); }));
    self->send(to, letter<Probe>::build([](Probe::Builder b) { b.setNumber(10); }));
  });
  w.settle();
  BOOST_TEST(cloud.links.core().letters_forgotten() == 0u);
  w.remove("nodes", "", "n1");
  BOOST_TEST(w.until([&] { return cloud.links.links().empty(); }));
  BOOST_TEST(cloud.links.core().letters_forgotten() == 4u);
  auto dead = cloud.links.dead_letters();
  BOOST_REQUIRE(dead.size() == 1u);
  BOOST_TEST(dead[0].to == "/node/n1");
  BOOST_TEST(dead[0].why ==
             "3 durable letters and 1 of other kinds waited and are dropped: the island is gone for good");
  w.node_links = nullptr;
  w.parts->links = nullptr;
}

BOOST_AUTO_TEST_CASE(a_controller_joins_by_certificate_and_reaches_cloud_and_nodes) {
  letters_of cloud{w, words, "/cloud", &w.cloud_kv};
  w.parts->links = &cloud.links;
  sim::memory_kv disk, other_disk;
  letters_of node{w, words, "/node/n1", &disk};
  w.node_links = &node.links;
  letters_of backup{w, words, "/controller/backup", &other_disk};
  std::vector<uint64_t> at_node, at_cloud;
  node.put("/node/n1/probe", at_node);
  cloud.put("/cloud/probe", at_cloud);
  auto& e = w.add_edge("n1");
  BOOST_TEST(w.until([&] { return e.state.connected; }));
  auto join = [&](const std::string& cn, const std::string& organization) {
    auto pair = *w.pki.issue(w.ca, {cn, {organization}, {}, false}, 365);
    return w.sys.spawn(link::island_link,
                       link::island_link_args{w.ctx,
                                              "/controller/backup/link",
                                              "test",
                                              "cloud:6443",
                                              {w.ca.certificate_pem, {}, pair.certificate_pem, pair.key_pem},
                                              w.net,
                                              backup.links,
                                              {},
                                              {}});
  };
  auto wrong = join("skerry:controller:other", "skerry:controllers");
  w.pass(3'000);
  BOOST_TEST(backup.links.links().empty());  // it never stood
  caf::anon_send_exit(wrong, caf::exit_reason::kill);
  auto right = join("skerry:controller:backup", "skerry:controllers");
  BOOST_TEST(w.until([&] { return !backup.links.links().empty() && backup.links.links().at(0).up; }));
  BOOST_TEST(backup.ask("/cloud/probe", 1) == 2u);
  BOOST_TEST(backup.ask("/node/n1/probe", 2) == 4u);
  w.net.cut();
  BOOST_TEST(w.until([&] { return backup.links.links().at(0).sessions == 2u; }));
  BOOST_TEST(backup.ask("/cloud/probe", 3) == 6u);
  caf::anon_send_exit(right, caf::exit_reason::kill);
  w.settle();
  w.node_links = nullptr;
  w.parts->links = nullptr;
}

BOOST_AUTO_TEST_CASE(a_controllers_certificate_is_renewed_over_its_session) {
  letters_of cloud{w, words, "/cloud", &w.cloud_kv};
  w.parts->links = &cloud.links;
  w.parts->certificate_days = 1000;
  sim::memory_kv disk;
  letters_of backup{w, words, "/controller/backup", &disk};
  std::vector<uint64_t> at_cloud;
  cloud.put("/cloud/probe", at_cloud);
  std::vector<ports::client_credentials> saved;
  auto join = [&](const std::string& cn, const std::string& organization) {
    auto pair = *w.pki.issue(w.ca, {cn, {organization}, {}, false}, 365);
    link::island_link_args a{w.ctx,
                             "/controller/backup/link",
                             "test",
                             "cloud:6443",
                             {w.ca.certificate_pem, {}, pair.certificate_pem, pair.key_pem},
                             w.net,
                             backup.links,
                             {},
                             {}};
    a.pki = &w.pki;
    a.on_renewed = [&](const ports::client_credentials& c) {
      saved.push_back(c);
      return caf::expected<void>{caf::unit};
    };
    return std::pair{w.sys.spawn(link::island_link, a), pair};
  };
  auto [mine, first] = join("skerry:controller:backup", "skerry:controllers");
  BOOST_TEST(w.until([&] { return !backup.links.links().empty() && backup.links.links().at(0).up; }));
  w.pass(10 * 60'000);
  BOOST_TEST(saved.empty());  // it is good for long
  w.clock.wall_skew_ms = 340LL * 86'400'000;
  BOOST_TEST(w.until([&] { return !saved.empty(); }));
  w.pass(10 * 60'000);
  BOOST_TEST(saved.size() == 1u);
  BOOST_TEST(sim::sim_pki::identity_of(saved.at(0).certificate_pem).common_name == "skerry:controller:backup");
  BOOST_TEST(saved.at(0).key_pem != first.key_pem);
  BOOST_TEST(*w.pki.expires_ms(saved.at(0).certificate_pem) - w.clock.wall_ms() > 900LL * 86'400'000);
  // It goes on with that.
  w.clock.wall_skew_ms = 400LL * 86'400'000;
  w.net.cut();
  BOOST_TEST(w.until([&] { return backup.links.links().at(0).sessions == 2u; }));
  BOOST_TEST(backup.ask("/cloud/probe", 3) == 6u);
  caf::anon_send_exit(mine, caf::exit_reason::kill);
  w.pass(10'000);
  // An administrator's is his own to renew.
  auto admin = join("admin", "system:masters").first;
  BOOST_TEST(w.until([&] { return backup.links.links().at(0).sessions == 3u; }));
  w.clock.wall_skew_ms = 750LL * 86'400'000;
  w.pass(10 * 60'000);
  BOOST_TEST(saved.size() == 1u);
  caf::anon_send_exit(admin, caf::exit_reason::kill);
  w.settle();
  w.node_links = nullptr;
  w.parts->links = nullptr;
}

BOOST_AUTO_TEST_CASE(a_certificate_says_which_island_its_holder_may_be) {
  ports::peer_identity admin{"skerry-admin", {"system:masters"}, "x"};
  ports::peer_identity mine{"skerry:controller:a", {"skerry:controllers"}, "x"};
  ports::peer_identity node{"system:node:n1", {"system:nodes"}, "x"};
  BOOST_TEST(link::is_island_peer(admin));
  BOOST_TEST(link::is_island_peer(mine));
  BOOST_TEST(!link::is_island_peer(node));
  BOOST_TEST(!link::may_be_island(admin, "/controller/any"));
  BOOST_TEST(!link::may_be_island(admin, "/repl/1"));
  BOOST_TEST((code_of(link::may_be_island(admin, "/cloud")) == errc::invalid));
  BOOST_TEST((code_of(link::may_be_island(admin, "/node/n1")) == errc::invalid));
  BOOST_TEST((code_of(link::may_be_island(admin, "/controller/a/x")) == errc::invalid));
  BOOST_TEST(!link::may_be_island(mine, "/controller/a"));
  BOOST_TEST((code_of(link::may_be_island(mine, "/controller/b")) == errc::forbidden));
  BOOST_TEST((code_of(link::may_be_island(mine, "/repl/a")) == errc::forbidden));
  BOOST_TEST((code_of(link::may_be_island(node, "/controller/n1")) == errc::forbidden));
}

BOOST_AUTO_TEST_SUITE_END()
