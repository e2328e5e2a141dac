#include "drivers/prober/asio_prober.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <future>
#include <thread>

#include "drivers/net/io_loop.hpp"
#include "drivers/pki/openssl.hpp"
#include "schema/error.hpp"

using namespace skerry;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

/// A server of one connection: takes the request's head, answers with `answer` in pieces, or keeps silent.
struct server {
  explicit server(std::string answer, bool silent = false, asio::ssl::context* tls = nullptr)
      : acceptor(context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}), port(acceptor.local_endpoint().port()) {
    thread = std::thread([this, answer, silent, tls] {
      try {
        tcp::socket s{context};
        acceptor.accept(s);
        if (tls != nullptr) {
          asio::ssl::stream<tcp::socket&> t{s, *tls};
          t.handshake(asio::ssl::stream_base::server);
          talk(t, answer, silent);
        } else {
          talk(s, answer, silent);
        }
      } catch (const std::exception&) {  // the prober closed first
      }
    });
  }
  ~server() {
    tcp::socket poke{context};  // in case nobody came
    boost::system::error_code ec;
    poke.connect({asio::ip::address_v4::loopback(), port}, ec);
    poke.close(ec);
    thread.join();
  }
  template <class Stream>
  void talk(Stream& s, const std::string& answer, bool silent) {
    asio::streambuf head;
    asio::read_until(s, head, "\r\n\r\n");
    request.assign(asio::buffers_begin(head.data()), asio::buffers_end(head.data()));
    got.set_value();
    if (silent) {
      char c;
      s.read_some(asio::buffer(&c, 1));
      return;
    }
    auto half = answer.size() / 2;
    asio::write(s, asio::buffer(answer.substr(0, half)));
    asio::write(s, asio::buffer(answer.substr(half)));
  }
  asio::io_context context;
  tcp::acceptor acceptor;
  uint16_t port;
  std::string request;
  std::promise<void> got;
  std::thread thread;
};

struct fixture {
  net::io_loop loop{1};
  prober::asio_prober prober{loop.context()};

  template <class F>
  ports::probe_result ask(F f) {
    auto promise = std::make_shared<std::promise<ports::probe_result>>();
    auto future = promise->get_future();
    f([promise](ports::probe_result r) { promise->set_value(std::move(r)); });
    BOOST_REQUIRE(future.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    return future.get();
  }
  ports::probe_result http(uint16_t port, uint32_t timeout_ms = 5000, bool tls = false) {
    ports::http_probe p{"127.0.0.1", port, "/healthz?x=1", tls, {{"X-Test", "yes\r\nEvil: no"}}};
    return ask([&](auto done) { prober.http(p, timeout_ms, done); });
  }
};

uint16_t closed_port() {
  asio::io_context c;
  tcp::acceptor a{c, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  return a.local_endpoint().port();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(asio_prober, fixture)

BOOST_AUTO_TEST_CASE(http_verdicts) {
  struct row {
    const char* answer;
    bool ok;
    const char* says;
  };
  for (auto& r :
       {row{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, "200"}, row{"HTTP/1.0 204\r\n\r\n", true, "204"},
        row{"HTTP/1.1 399 X\r\n\r\n", true, "399"}, row{"HTTP/1.1 400 X\r\n\r\n", false, "failed with statuscode: 400"},
        row{"HTTP/1.1 500 X\r\n\r\n", false, "failed with statuscode: 500"}, row{"SSH-2.0-x\r\n", false, "malformed"},
        row{"HTTP/1.1 20\r\n", false, "malformed"}, row{"", false, "no answer"}}) {
    server s{r.answer};
    auto got = http(s.port);
    BOOST_TEST(got.ok == r.ok, r.answer);
    BOOST_TEST(got.output.find(r.says) != std::string::npos, got.output);
  }
}

BOOST_AUTO_TEST_CASE(the_request_is_a_kubelets) {
  server s{"HTTP/1.1 200 OK\r\n\r\n"};
  BOOST_TEST(http(s.port).ok);
  s.got.get_future().wait();
  BOOST_TEST(s.request.starts_with("GET /healthz?x=1 HTTP/1.1\r\n"));
  BOOST_TEST(s.request.find("Host: 127.0.0.1:" + std::to_string(s.port) + "\r\n") != std::string::npos);
  BOOST_TEST(s.request.find("User-Agent: kube-probe/1.36\r\n") != std::string::npos);
  BOOST_TEST(s.request.find("X-Test: yesEvil: no\r\n") != std::string::npos);  // one header, whatever is in it
}

BOOST_AUTO_TEST_CASE(silence_ends_at_the_deadline) {
  server s{"", true};
  auto before = std::chrono::steady_clock::now();
  auto got = http(s.port, 200);
  BOOST_TEST(!got.ok);
  BOOST_TEST(got.output.find("timed out after 200 ms") != std::string::npos, got.output);
  BOOST_TEST((std::chrono::steady_clock::now() - before < std::chrono::seconds{5}));
}

BOOST_AUTO_TEST_CASE(nobody_there) {
  auto port = closed_port();
  auto got = http(port);
  BOOST_TEST(!got.ok);
  BOOST_TEST(got.output.find("refused") != std::string::npos, got.output);
  auto plain = ask([&](auto done) { prober.tcp("127.0.0.1", port, 2000, done); });
  BOOST_TEST(!plain.ok);
  BOOST_TEST(plain.output.starts_with("dial tcp 127.0.0.1:"));
}

BOOST_AUTO_TEST_CASE(tcp_needs_only_a_connection) {
  asio::io_context c;
  tcp::acceptor a{c, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  auto got = ask([&](auto done) { prober.tcp("127.0.0.1", a.local_endpoint().port(), 2000, done); });
  BOOST_TEST(got.ok);
  auto named = ask([&](auto done) { prober.tcp("localhost", a.local_endpoint().port(), 5000, done); });
  BOOST_TEST(!named.output.starts_with("dial tcp localhost: lookup"), named.output);
}

BOOST_AUTO_TEST_CASE(https_without_verification) {
  pki::openssl authority;
  auto ca = authority.make_authority("test", 1);
  BOOST_REQUIRE(ca.engaged());
  ports::certificate_names names;
  names.common_name = "x";
  names.hosts = {"elsewhere"};
  names.server = true;
  auto pair = authority.issue(*ca, names, 1);
  BOOST_REQUIRE(pair.engaged());
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tls.use_certificate(asio::buffer(pair->certificate_pem), asio::ssl::context::pem);
  tls.use_private_key(asio::buffer(pair->key_pem), asio::ssl::context::pem);
  server s{"HTTP/1.1 200 OK\r\n\r\n", false, &tls};
  auto got = http(s.port, 5000, true);
  BOOST_TEST(got.ok, got.output);
  server plain{"HTTP/1.1 200 OK\r\n\r\n"};
  auto bad = http(plain.port, 500, true);
  BOOST_TEST(!bad.ok);
}

BOOST_AUTO_TEST_CASE(many_at_once) {
  asio::io_context c;
  tcp::acceptor a{c, tcp::endpoint{asio::ip::address_v4::loopback(), 0}, true};
  a.listen(256);
  std::atomic<int> good{0}, all{0};
  std::promise<void> finished;
  for (int i = 0; i < 100; ++i)
    prober.tcp("127.0.0.1", a.local_endpoint().port(), 5000, [&](ports::probe_result r) {
      if (r.ok) ++good;
      if (++all == 100) finished.set_value();
    });
  BOOST_REQUIRE(finished.get_future().wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  BOOST_TEST(good == 100);
}

BOOST_AUTO_TEST_SUITE_END()
