// The whole link over real TLS, threads and time: join, session, facts, a line that dies without a word.
#include <boost/asio/write.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/controllers/node_sync.hpp"
#include "actors/controllers/status_writer.hpp"
#include "actors/link/hub.hpp"
#include "actors/link/join.hpp"
#include "actors/link/link_client.hpp"
#include "actors/link/tokens.hpp"
#include "actors/store/store.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/random/system_random.hpp"
#include "sim/ports/memory_kv.hpp"
#include "supervisors/crash_log.hpp"
#include "supervisors/pool.hpp"
#include "test/net/world.hpp"

using namespace skerry;
namespace asio = boost::asio;

namespace {

/// Forwards one port to another until told to keep quiet: connections stay open, nothing crosses.
class proxy {
public:
  explicit proxy(asio::ip::tcp::endpoint to) : to_(to), thread_([this] { run(); }) {}
  ~proxy() {
    stop_ = true;
    thread_.join();
  }
  std::string address() { return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::atomic<bool> silent{false};

private:
  struct pair {
    asio::ip::tcp::socket a, b;
    bool muted = false;
  };
  void run() {
    acceptor_.non_blocking(true);
    std::vector<std::unique_ptr<pair>> pairs;
    while (!stop_) {
      boost::system::error_code ec;
      asio::ip::tcp::socket s{io_};
      acceptor_.accept(s, ec);
      if (!ec) {
        auto p = std::make_unique<pair>(pair{std::move(s), asio::ip::tcp::socket{io_}});
        p->b.connect(to_, ec);
        p->a.non_blocking(true);
        p->b.non_blocking(true);
        pairs.push_back(std::move(p));
      }
      for (auto& p : pairs) {
        p->muted = p->muted || silent;  // one that was mute stays so
        if (!p->muted && p->a.is_open()) pump(*p);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  }
  static void pump(pair& p) {
    char buffer[16384];
    for (auto [from, to] : {std::pair{&p.a, &p.b}, std::pair{&p.b, &p.a}}) {
      boost::system::error_code ec;
      auto n = from->read_some(asio::buffer(buffer), ec);
      if (n > 0)
        asio::write(*to, asio::buffer(buffer, n), ec);
      else if (ec != asio::error::would_block)
        p.a.close(ec), p.b.close(ec);
      if (!p.a.is_open()) return;
    }
  }
  asio::io_context io_;
  asio::ip::tcp::endpoint to_;
  asio::ip::tcp::acceptor acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct silent_log : ports::log {
  bool enabled(ports::severity) const override { return false; }
  void write(ports::severity, std::string_view, std::string_view) override {}
};

/// A cloud behind a TLS server, as main wires it.
struct cloud {
  static caf::actor_system_config& set(caf::actor_system_config& c) {
    c.set("scheduler.policy", caf::atom("sharing"));
    c.set("scheduler.max-threads", size_t{3});
    return c;
  }
  drivers::system_clock clock;
  drivers::system_random chance;
  silent_log log;
  context ctx{clock, chance, log};
  test::tls_server server;
  sim::memory_kv kv, edge_kv;
  kube::registry registry;
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services services{ctx, directory, crashes};
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  link::acceptor acceptor;
  std::unique_ptr<link::cloud_parts> parts;
  caf::actor_system_config config;
  caf::actor_system sys{set(config)};
  caf::scoped_actor self{sys};
  std::vector<caf::actor> actors;

  cloud() {
    auto put = [this](const char* name, caf::actor a) {
      directory.put(name, a);
      actors.push_back(a);
    };
    parts = std::make_unique<link::cloud_parts>(
        link::cloud_parts{ctx, *views, server.pki, server.ca, "c1", 30, directory.finder("pool"),
                          directory.finder("status_writer"), directory.finder("node_sync"), directory.finder("none")});
    parts->times = {300, 1'500, 5'000};
    put("store", sys.spawn<caf::detached>(store::store_actor, store::store_args{ctx, "store", kv, views, {}, {}}));
    controllers::controller_args base{ctx, *views, directory.finder("store"), registry};
    put("status_writer",
        sys.spawn(controllers::status_writer, controllers::status_writer_args{base, "status_writer", {}}));
    put("node_sync", sys.spawn(controllers::node_sync,
                               controllers::node_sync_args{ctx, "node_sync", *views, directory.finder("store"), {}}));
    put("pool", sys.spawn(supervisors::pool, supervisors::pool_args{services, "pool"}));
    put("hub", sys.spawn(link::hub, link::hub_args{*parts, "hub", acceptor, {}}));
    server.on_accept = [this](ports::connection_ptr c) { acceptor.on_link(std::move(c)); };
    commit("namespaces", "", "kube-system", R"({"status":{"phase":"Active"}})");
    sessions();  // the hub answers: it takes connections
  }
  ~cloud() {
    for (auto i = actors.rbegin(); i != actors.rend(); ++i) self->send_exit(*i, caf::exit_reason::user_shutdown);
    server.loop.stop();
    for (const auto& name : directory.list())
      directory.erase(name, directory.find(name).id());  // a held handle holds a thread
  }
  void commit(const std::string& resource, const std::string& ns, const std::string& name, const std::string& body) {
    std::string why;
    auto v = parse_json(body, why);
    auto& meta = ensure(v, "metadata");
    if (!meta.is_object()) meta.emplace_object();
    meta.get_object()["name"] = name;
    meta.get_object()["namespace"] = ns;
    meta.get_object()["uid"] = "uid-" + name;
    self->request(actors[0], std::chrono::seconds(20),
                  store::commit{{{store::verb::create, {{resource, ns, name}, v}, {}, {}}}})
        .receive([](const store::committed&) {}, [](const caf::error& e) { BOOST_FAIL(message_of(e)); });
  }
  link::link_stats stats(const caf::actor& a) {
    link::link_stats out;
    self->request(a, std::chrono::seconds(20), link::get_link_stats{})
        .receive([&](const link::link_stats& s) { out = s; }, [](const caf::error& e) { BOOST_FAIL(message_of(e)); });
    return out;
  }
  link::link_client_args edge_args(const std::string& address, ports::client_credentials who, const caf::actor& agent) {
    return {.ctx = ctx,
            .path = "link",
            .node = "n1",
            .version = "test",
            .address = address,
            .credentials = std::move(who),
            .transport = server.transport,
            .kv = edge_kv,
            .agent = [agent] { return agent; },
            .on_renewed = {},
            .times = {300, 1'500, 5'000},
            .parent = {}};
  }
  size_t sessions() {
    size_t n = 0;
    self->request(actors.back(), std::chrono::seconds(20), link::get_sessions{})
        .receive([&](const link::sessions_info& s) { n = s.sessions.size(); },
                 [](const caf::error& e) { BOOST_FAIL(message_of(e)); });
    return n;
  }
  caf::expected<ports::client_credentials> join(const std::string& token, const std::string& node) {
    std::promise<caf::expected<ports::client_credentials>> done;
    link::join(server.transport, server.pki, {server.address(), token, node},
               [&](caf::expected<ports::client_credentials> r) { done.set_value(std::move(r)); });
    auto f = done.get_future();
    BOOST_REQUIRE((f.wait_for(std::chrono::seconds(30)) == std::future_status::ready));
    return f.get();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(link_over_tls)

BOOST_AUTO_TEST_CASE(a_node_joins_works_and_survives_a_line_that_dies_without_a_word) {
  cloud c;
  auto token = link::make_token(c.chance);
  c.commit("secrets", "kube-system", link::token_secret_name(token.id),
           json::serialize(link::make_token_secret(token, 0, "")));
  c.commit("pods", "default", "p", R"({"spec":{"nodeName":"n1"},"status":{"phase":"Pending"}})");
  auto pin = *c.server.pki.fingerprint(c.server.ca.certificate_pem);
  auto refused = c.join(link::format_full_token(pin, link::make_token(c.chance)), "n1");
  BOOST_REQUIRE(!refused);
  BOOST_TEST((code_of(refused.error()) == errc::unauthorized), message_of(refused.error()));
  auto credentials = c.join(link::format_full_token(pin, token), "n1");
  BOOST_REQUIRE_MESSAGE(credentials, (credentials ? std::string{} : message_of(credentials.error())));

  std::atomic<int> held{0}, connected{0};
  auto agent = c.sys.spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[](const link::get_inventory&) { return link::inventory{}; },
            [&](const link::desired_changes& m) -> caf::result<void> {
              held += static_cast<int>(m.put.size());
              return caf::unit;
            },
            [&](const link::link_state& m) { connected = m.connected; }};
  });
  c.actors.insert(c.actors.begin() + 1, agent);
  proxy line{c.server.acceptor.local_endpoint()};
  auto args = c.edge_args(line.address(), *credentials, agent);
  auto edge = c.sys.spawn<caf::detached>(link::link_client, args);
  c.actors.insert(c.actors.begin() + 1, edge);
  BOOST_TEST(test::until([&] { return connected == 1 && held == 1; }));
  BOOST_TEST(c.sessions() == 1u);

  line.silent = true;
  BOOST_TEST(test::until([&] { return connected == 0; }));
  BOOST_TEST(test::until([&] { return c.sessions() == 0; }));
  c.self
      ->request(edge, std::chrono::seconds(20),
                link::report_pod_status{{"default", "p", "uid-p"}, R"({"phase":"Running"})"})
      .receive([] {}, [](const caf::error& e) { BOOST_FAIL(message_of(e)); });
  BOOST_TEST(c.stats(edge).facts_waiting == 1u);
  line.silent = false;
  BOOST_TEST(test::until([&] { return c.stats(edge).facts_waiting == 0; }));
  BOOST_TEST((store::phase_of(c.views->current()->get("pods", "default", "p")) == "Running"));
  BOOST_TEST(c.stats(edge).sessions >= 2u);
  BOOST_TEST(c.stats(edge).round_trip_ms >= -1);
}

BOOST_AUTO_TEST_CASE(an_edge_with_a_foreign_certificate_says_so_and_does_not_knock_too_often) {
  cloud c;
  auto other = *c.server.pki.make_authority("other", 10);
  auto node = *c.server.pki.issue(other, {"system:node:n1", {"system:nodes"}, {}, false}, 10);
  auto agent = c.sys.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](const link::get_inventory&) { return link::inventory{}; }, [](const link::link_state&) {}};
  });
  auto args =
      c.edge_args(c.server.address(), {c.server.ca.certificate_pem, {}, node.certificate_pem, node.key_pem}, agent);
  auto edge = c.sys.spawn<caf::detached>(link::link_client, args);
  c.actors.push_back(agent), c.actors.push_back(edge);
  std::swap(c.actors[c.actors.size() - 3], c.actors.back());  // the hub stays last
  BOOST_TEST(
      test::until([&] { return c.stats(edge).last_error.find("join again with a new token") != std::string::npos; }));
  BOOST_TEST(c.sessions() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
