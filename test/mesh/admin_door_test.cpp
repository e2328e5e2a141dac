// Who comes in by the admin socket, and who does not.
#include "actors/link/admin_door.hpp"

#include <boost/asio/local/connect_pair.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include "actors/link/framing.hpp"
#include "drivers/admin/local_connection.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/log/stream_log.hpp"
#include "drivers/random/system_random.hpp"
#include "schema/error.hpp"
#include "test/net/world.hpp"

using namespace skerry;
using test::sink;

namespace {

struct door_world {
  caf::actor_system_config config;
  caf::actor_system sys{config};
  drivers::system_clock clock;
  drivers::system_random random;
  drivers::stream_log log{clock, ports::severity::error};
  context ctx{clock, random, log};
  base::directory directory;
  vocabulary words;
  link::mesh mesh{link::mesh_args{sys, ctx, directory, words, "/node/n1", "/cloud"}};
  net::io_loop loop{1};
  std::unique_ptr<link::admin_door> door = std::make_unique<link::admin_door>(mesh, ctx);

  ~door_world() {
    door.reset();
    loop.stop();
    mesh.stop();
  }
  bool joined(const std::string& island) {
    for (const auto& l : mesh.links())
      if (l.island == island && l.up) return true;
    return false;
  }
};

/// One who knocks.
struct guest {
  ports::connection_ptr connection;
  sink came;
  guest(door_world& w) {
    boost::asio::local::stream_protocol::socket a{w.loop.context()}, b{w.loop.context()};
    boost::asio::local::connect_pair(a, b);
    w.door->on_link(drivers::admin::make_local_connection(std::move(a)));
    connection = drivers::admin::make_local_connection(std::move(b));
    connection->start(came.handlers());
  }
  ~guest() {
    connection->close();
    test::until([&] { return came.look([](auto& s) { return s.ends; }) > 0; });
  }
  template <class F>
  void say(F fill) {
    connection->send(link::encode_with(fill));
  }
  void hello(const std::string& island, uint32_t protocol = 1) {
    say([&](schema::Frame::Builder b) {
      auto h = b.initHello();
      h.setProtocol(protocol);
      h.setIsland(island);
    });
  }
  std::vector<link::frame> frames() {
    link::frame_reader reader;
    std::vector<link::frame> out;
    auto data = came.look([](auto& s) { return s.data; });
    BOOST_TEST(!reader.feed(data, out));
    return out;
  }
  bool got(schema::Frame::Which what) {
    return test::until([&] {
      auto all = frames();
      return std::any_of(all.begin(), all.end(), [&](auto& f) { return (*f).which() == what; });
    });
  }
  /// The code of the goodbye that it gets.
  errc refused() {
    if (!got(schema::Frame::GOODBYE)) return errc::none;
    for (auto& f : frames())
      if ((*f).isGoodbye()) return static_cast<errc>((*f).getGoodbye().getCode());
    return errc::none;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(the_admin_door)

BOOST_AUTO_TEST_CASE(a_repl_joins_and_is_forgotten_when_it_goes) {
  door_world w;
  {
    guest g{w};
    g.hello("/repl/7");
    BOOST_TEST(g.got(schema::Frame::WELCOME));
    BOOST_TEST(g.got(schema::Frame::MESH));
    g.say([](schema::Frame::Builder b) { b.setPing(5); });
    BOOST_TEST(g.got(schema::Frame::PONG));
    g.say([](schema::Frame::Builder b) {
      auto m = b.initMesh();
      m.setProtocol(1);
      m.setIsland("/repl/7");
      m.setWindowBytes(1 << 20);
    });
    BOOST_TEST(test::until([&] { return w.joined("/repl/7"); }));
    guest second{w};
    second.hello("/repl/7");
    BOOST_TEST((second.refused() == errc::already_exists));
    BOOST_TEST(w.joined("/repl/7"));
  }
  BOOST_TEST(test::until([&] {
    for (const auto& l : w.mesh.links())
      if (l.island == "/repl/7") return false;
    return true;
  }));
  guest again{w};
  again.hello("/repl/7");
  BOOST_TEST(again.got(schema::Frame::WELCOME));
}

BOOST_AUTO_TEST_CASE(nobody_else_comes_in) {
  door_world w;
  struct row {
    const char* island;
    uint32_t protocol;
    errc code;
  };
  for (const auto& r :
       {row{"/node/n2", 1, errc::invalid}, row{"/cloud", 1, errc::invalid}, row{"", 1, errc::invalid},
        row{"/repl/7/x", 1, errc::invalid}, row{"/repl", 1, errc::invalid}, row{"/repl/7", 2, errc::unsupported}}) {
    guest g{w};
    g.hello(r.island, r.protocol);
    BOOST_TEST((g.refused() == r.code), r.island);
    BOOST_TEST(test::until([&] { return g.came.look([](auto& s) { return s.ends; }) == 1; }));
  }
  guest early{w};
  early.say([](schema::Frame::Builder b) { b.initLetters(); });
  BOOST_TEST((early.refused() == errc::invalid));
  guest noise{w};
  noise.connection->send(test::pattern(4096, 3));
  BOOST_TEST((noise.refused() != errc::none));
  guest liar{w};
  liar.hello("/repl/8");
  liar.say([](schema::Frame::Builder b) {
    auto m = b.initMesh();
    m.setProtocol(1);
    m.setIsland("/cloud");
  });
  BOOST_TEST((liar.refused() == errc::forbidden));
}

BOOST_AUTO_TEST_SUITE_END()
