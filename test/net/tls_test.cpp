#include <boost/test/unit_test.hpp>

#include "test/net/world.hpp"

using namespace skerry;
namespace asio = boost::asio;

namespace {
bool says(const caf::error& e, const char* text) {
  auto yes = message_of(e).find(text) != std::string::npos;
  if (!yes) BOOST_TEST_MESSAGE("it says: " << message_of(e));
  return yes;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(a_join_without_certificate_by_pin_gets_in_and_has_no_name) {
  test::tls_server s;
  auto c = s.dial(s.address(), {{}, *s.pki.fingerprint(s.ca.certificate_pem), {}, {}});
  BOOST_REQUIRE_MESSAGE(c, (c ? std::string{} : message_of(c.error())));
  auto cloud = s.next_accepted();
  BOOST_TEST(cloud->peer().common_name == "");
  BOOST_TEST(s.protocols.at(0) == "skerry-link/1");
}

BOOST_AUTO_TEST_CASE(a_pin_of_another_cloud_is_refused_with_a_remedy) {
  test::tls_server s;
  auto other = *s.pki.make_authority("other", 10);
  auto c = s.dial(s.address(), {{}, *s.pki.fingerprint(other.certificate_pem), {}, {}});
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == errc::unauthorized));
  BOOST_TEST(says(c.error(), "pins"));
  BOOST_TEST(says(c.error(), "skerry token create"));
}

BOOST_AUTO_TEST_CASE(the_pin_of_the_servers_own_certificate_is_not_that_of_its_authority) {
  // A leaf is no root: who copied the wrong fingerprint is told.
  test::tls_server s;
  auto c = s.dial(s.address(), {{}, *s.pki.fingerprint(s.node.certificate_pem), {}, {}});
  BOOST_TEST(!c);
}

BOOST_AUTO_TEST_CASE(a_cloud_of_a_foreign_authority_is_refused) {
  test::tls_server s;
  auto who = s.credentials();
  who.ca_pem = s.pki.make_authority("other", 10)->certificate_pem;
  auto c = s.dial(s.address(), who);
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == errc::unauthorized));
  BOOST_TEST(says(c.error(), "foreign"));
}

BOOST_AUTO_TEST_CASE(a_node_cannot_stand_in_for_the_cloud) {
  // Its certificate is of the same authority, but for clients.
  test::tls_server s;
  auto fake = net::make_server_context({s.node.certificate_pem, s.node.key_pem, s.ca.certificate_pem});
  BOOST_REQUIRE(fake);
  s.context = *fake;
  for (auto who : {s.credentials(), ports::client_credentials{{}, *s.pki.fingerprint(s.ca.certificate_pem), {}, {}}}) {
    auto c = s.dial(s.address(), who);
    BOOST_REQUIRE(!c);
    BOOST_TEST((code_of(c.error()) == errc::unauthorized));
  }
}

BOOST_AUTO_TEST_CASE(a_foreign_client_certificate_ends_the_connection_with_unauthorized) {
  test::tls_server s;
  auto other = *s.pki.make_authority("other", 10);
  auto node = *s.pki.issue(other, {"system:node:n1", {"system:nodes"}, {}, false}, 10);
  auto c = s.dial(s.address(), {s.ca.certificate_pem, {}, node.certificate_pem, node.key_pem});
  caf::error why;
  if (c) {  // TLS 1.3: the client is done before the server has looked
    test::sink k;
    (*c)->start(k.handlers());
    BOOST_REQUIRE(test::until([&] { return k.look([](auto& x) { return x.ends; }) == 1; }));
    why = k.why;
  } else {
    why = c.error();
  }
  BOOST_TEST((code_of(why) == errc::unauthorized), message_of(why));
  BOOST_TEST(test::until([&] {
    std::lock_guard lock{s.mutex};
    return s.refusals.size() == 1;
  }));
  BOOST_TEST(s.accepted.empty());
}

BOOST_AUTO_TEST_CASE(nobody_there_and_no_answer_are_told_apart) {
  test::tls_server s;
  asio::ip::tcp::acceptor silent{s.loop.context(), {asio::ip::make_address("127.0.0.1"), 0}};  // accepts, says nothing
  auto address = "127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  auto c = s.dial(address, s.credentials(), 300);
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == errc::timed_out));
  silent.close();
  c = s.dial(address, s.credentials());
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == errc::unavailable));
  BOOST_TEST(says(c.error(), "refused"));
  for (auto bad : {"ftp://x:1", "https://", "h:0", "h:70000", "h:12x", "::1:6443", "[::1", "a b:1"}) {
    c = s.dial(bad, s.credentials());
    BOOST_REQUIRE(!c);
    BOOST_TEST((code_of(c.error()) == errc::invalid), bad);
  }
  auto v6 = net::split_address("https://[fd00::1]:7443/");
  BOOST_REQUIRE(v6);
  BOOST_TEST(v6->first == "fd00::1");
  BOOST_TEST(v6->second == "7443");
  BOOST_TEST(net::split_address("cloud.example")->second == "6443");
}

BOOST_AUTO_TEST_CASE(a_server_of_another_protocol_is_named) {
  test::tls_server s;
  SSL_CTX_set_alpn_select_cb(s.context->native_handle(), nullptr, nullptr);
  auto c = s.dial(s.address(), s.credentials());
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == errc::unsupported));
}

BOOST_AUTO_TEST_CASE(the_link_wants_tls_13_and_http_is_content_with_12) {
  test::tls_server s;
  auto try_with = [&](const char* protocol, std::string& agreed) {
    asio::io_context io;
    asio::ssl::context ctx{asio::ssl::context::tls_client};
    SSL_CTX_set_max_proto_version(ctx.native_handle(), TLS1_2_VERSION);
    auto wire = static_cast<char>(std::string_view{protocol}.size()) + std::string{protocol};
    SSL_CTX_set_alpn_protos(ctx.native_handle(), reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
    net::tls_stream stream{io, ctx};
    stream.next_layer().connect(s.acceptor.local_endpoint());
    boost::system::error_code ec;
    stream.handshake(asio::ssl::stream_base::client, ec);
    agreed = net::alpn_of(stream.native_handle());
    return !ec;
  };
  std::string agreed;
  BOOST_TEST(!try_with("skerry-link/1", agreed));
  BOOST_TEST(try_with("http/1.1", agreed));
  BOOST_TEST(agreed == "http/1.1");
  BOOST_TEST(try_with("h2", agreed));  // as clients that offer nothing that we speak: HTTP/1.1
  BOOST_TEST(agreed == "");
}

BOOST_AUTO_TEST_CASE(broken_credentials_are_named) {
  test::tls_server s;
  auto bad = [&](net::server_credentials c) { return net::make_server_context(c); };
  auto r = bad({"nonsense", s.server.key_pem, s.ca.certificate_pem});
  BOOST_REQUIRE(!r);
  BOOST_TEST(says(r.error(), "no certificate"));
  r = bad({s.server.certificate_pem, s.node.key_pem, s.ca.certificate_pem});
  BOOST_REQUIRE(!r);
  BOOST_TEST(says(r.error(), "not that of our certificate"));
  r = bad({s.server.certificate_pem, s.server.key_pem, ""});
  BOOST_REQUIRE(!r);
  BOOST_TEST(says(r.error(), "authority"));
  BOOST_TEST(!net::make_client_context({}));
}

BOOST_AUTO_TEST_CASE(a_peer_that_vanishes_in_mid_stream_is_unavailable) {
  test::tls_server s;
  // A proxy between, so that the cut is the network's and not TLS's.
  asio::ip::tcp::acceptor front{s.loop.context(), {asio::ip::make_address("127.0.0.1"), 0}};
  std::atomic<bool> cut{false};
  std::thread proxy{[&] {
    asio::io_context io;
    asio::ip::tcp::socket down{io}, up{io};
    down = asio::ip::tcp::socket{io, asio::ip::tcp::v4(), front.accept().release()};
    up.connect(s.acceptor.local_endpoint());
    down.non_blocking(true);
    up.non_blocking(true);
    char buffer[4096];
    while (!cut) {
      boost::system::error_code ec;
      auto n = down.read_some(asio::buffer(buffer), ec);
      if (n > 0) asio::write(up, asio::buffer(buffer, n));
      n = up.read_some(asio::buffer(buffer), ec);
      if (n > 0) asio::write(down, asio::buffer(buffer, n));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    down.set_option(asio::socket_base::linger(true, 0));
    up.set_option(asio::socket_base::linger(true, 0));
  }};
  auto c = s.dial("127.0.0.1:" + std::to_string(front.local_endpoint().port()), s.credentials());
  BOOST_REQUIRE_MESSAGE(c, (c ? std::string{} : message_of(c.error())));
  auto cloud = s.next_accepted();
  test::sink a, b;
  (*c)->start(a.handlers());
  cloud->start(b.handlers());
  (*c)->send(test::pattern(1000, 1));
  BOOST_REQUIRE(test::until([&] { return b.look([](auto& x) { return x.data.size(); }) == 1000; }));
  cut = true;
  proxy.join();
  BOOST_REQUIRE(test::until(
      [&] { return a.look([](auto& x) { return x.ends; }) == 1 && b.look([](auto& x) { return x.ends; }) == 1; }));
  BOOST_TEST((code_of(a.why) == errc::unavailable), message_of(a.why));
  BOOST_TEST((code_of(b.why) == errc::unavailable), message_of(b.why));
}

BOOST_AUTO_TEST_SUITE_END()
