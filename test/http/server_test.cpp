// The HTTP server over real sockets and real TLS.
#include <condition_variable>

#include "schema/limits.hpp"
#include "test/http/http_world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {
struct served {
  explicit served(std::function<void(ports::http_exchange_ptr)> f, http::server_options o = {}) {
    service.f = std::move(f);
    o.listen = "127.0.0.1:0";
    o.certificate_pem = pki.server.certificate_pem;
    o.key_pem = pki.server.key_pem;
    o.ca_pem = pki.ca.certificate_pem;
    server = std::make_unique<http::server>(loop, std::move(o), service, links, log);
    auto ok = server->start();
    BOOST_REQUIRE_MESSAGE(ok, message_of(ok.error()));
  }
  ~served() {
    server->stop();
    links.links.clear();  // their loop outlives them
  }
  raw_client client(const ports::key_pair* who = nullptr, std::string alpn = "") {
    return {server->port(), pki, who, std::move(alpn)};
  }

  test_pki pki;
  quiet_log log;
  kept_links links;
  function_service service;
  net::io_loop loop{2};
  std::unique_ptr<http::server> server;
};
/// Answers with what it was asked.
void echo(ports::http_exchange_ptr e) {
  const auto& r = e->request();
  e->respond(200, "text/plain", {r.method + " " + r.target + " " + r.body + " " + r.peer.common_name});
}
size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(http_server)

BOOST_AUTO_TEST_CASE(a_connection_serves_one_request_after_another) {
  served s{echo};
  auto c = s.client(&s.pki.admin);
  for (int i = 0; i < 3; ++i) {
    c.forget();
    c.send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    auto text = c.until("admin");
    BOOST_TEST(text.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(text.find("GET /" + std::to_string(i)) != std::string::npos);
    BOOST_TEST(text.find("\r\nDate: ") != std::string::npos);
  }
  BOOST_TEST(s.server->figures().accepted == 1u);
  BOOST_TEST(s.server->figures().requests == 3u);
  c.send("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  c.until("\001");
  BOOST_TEST(c.ended);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  // Every other answer comes later, from another thread.
  std::vector<std::thread> threads;
  std::mutex mutex;
  {
    served s{[&](ports::http_exchange_ptr e) {
      if (e->request().target.back() % 2 == 0) return echo(std::move(e));
      std::lock_guard lock{mutex};
      threads.emplace_back([e = std::move(e)] { echo(e); });
    }};
    auto c = s.client();
    std::string all;
    for (int i = 0; i < 50; ++i)
      all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy";
    c.send(all);
    auto text = c.until("/49 xy");
    BOOST_TEST(count(text, "HTTP/1.1 200") == 50u);
    size_t at = 0;
    for (int i = 0; i < 50; ++i) {
      at = text.find("POST /" + std::to_string(i) + " xy", at);
      BOOST_REQUIRE(at != std::string::npos);
    }
  }
  for (auto& t : threads) t.join();
}

BOOST_AUTO_TEST_CASE(bodies_come_with_a_length_in_chunks_and_after_a_continue) {
  served s{echo};
  auto c = s.client();
  c.send("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
  BOOST_TEST(c.until("abcde").find("200") != std::string::npos);
  c.forget();
  c.send("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  BOOST_TEST(c.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("hello");
  BOOST_TEST(c.until("/b hello").find("200 OK") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_in_words) {
  served s{echo};
  {
    auto c = s.client();
    c.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    c.send(std::string(4'000'000, 'x'));  // all of it: the answer is not reset away
    auto text = c.until("\"code\":413}");
    BOOST_TEST(text.starts_with("HTTP/1.1 413 Payload Too Large\r\n"));
    BOOST_TEST(text.find("\"reason\":\"RequestEntityTooLarge\"") != std::string::npos);
    BOOST_TEST(text.find("3145728") != std::string::npos);
  }
  {
    auto c = s.client();
    c.send("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n" + std::string(0x400000, 'x'));
    BOOST_TEST(c.until("\"code\":413}").find("413") != std::string::npos);
  }
  {
    auto c = s.client();
    c.send("GET /a HTTP/1.1\r\nHost: a\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
    BOOST_TEST(c.until("\"code\":431}").starts_with("HTTP/1.1 431 "));
  }
  {
    auto c = s.client();
    c.send("\001\002 nonsense\r\n\r\n");
    BOOST_TEST(c.until("\"code\":400}").starts_with("HTTP/1.1 400 "));
  }
  auto c = s.client();
  c.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  c.until("/a");
}

BOOST_AUTO_TEST_CASE(large_answers_arrive_whole_at_slow_readers) {
  std::string part(100'000, 'p');
  served s{[&](ports::http_exchange_ptr e) {
    ports::http_body body;
    for (int i = 0; i < 300; ++i) {
      body.emplace_back(std::make_shared<const std::string>(part));
      body.emplace_back("," + std::to_string(i));
    }
    e->respond(200, "text/plain", std::move(body));
  }};
  auto c = s.client();
  c.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto text = c.until(",299");
  auto start = text.find("\r\n\r\n") + 4;
  std::string expected;
  for (int i = 0; i < 300; ++i) expected += part + "," + std::to_string(i);
  BOOST_TEST(text.find("Content-Length: " + std::to_string(expected.size())) != std::string::npos);
  text.erase(0, start);
  BOOST_TEST((text == expected));
}

BOOST_AUTO_TEST_CASE(streams_flow_and_end) {
  std::mutex mutex;
  std::condition_variable changed;
  ports::http_exchange_ptr kept;
  int closed = 0;
  served s{[&](ports::http_exchange_ptr e) {
    if (e->request().target == "/plain") return echo(std::move(e));
    e->start_stream(200, "application/json", [&] {
      std::lock_guard lock{mutex};
      ++closed;
      changed.notify_all();
    });
    std::lock_guard lock{mutex};
    kept = std::move(e);
    changed.notify_all();
  }};
  auto wait = [&](auto f) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{20}, f);
  };
  {
    auto c = s.client();
    c.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_REQUIRE(wait([&] { return kept != nullptr; }));
    BOOST_TEST(kept->write({"{\"a\":", "1}\n"}));
    auto text = c.until("8\r\n{\"a\":1}\n\r\n");
    BOOST_TEST(text.find("Transfer-Encoding: chunked") != std::string::npos);
    kept->end_stream();
    text = c.until("/plain");  // the next request waited its turn
    BOOST_TEST(text.find("0\r\n\r\nHTTP/1.1 200 OK") != std::string::npos);
    BOOST_TEST(wait([&] { return closed == 1; }));
    BOOST_TEST(!kept->write({"late"}));
    kept = nullptr;
    c.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_REQUIRE(wait([&] { return kept != nullptr; }));
    kept->write({"x"});
  }  // the client goes away
  BOOST_TEST(wait([&] { return closed == 2; }));
  BOOST_TEST(!kept->write({"x"}));
  kept = nullptr;
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_closed) {
  std::mutex mutex;
  std::condition_variable changed;
  ports::http_exchange_ptr kept;
  bool closed = false;
  served s{[&](ports::http_exchange_ptr e) {
    e->start_stream(200, "application/json", [&] {
      std::lock_guard lock{mutex};
      closed = true;
      changed.notify_all();
    });
    std::lock_guard lock{mutex};
    kept = std::move(e);
    changed.notify_all();
  }};
  auto c = s.client();
  c.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  std::unique_lock lock{mutex};
  BOOST_REQUIRE(changed.wait_for(lock, std::chrono::seconds{20}, [&] { return kept != nullptr; }));
  lock.unlock();
  auto block = std::make_shared<const std::string>(256 * 1024, 'x');
  int written = 0;
  while (kept->write({block}) && written < 1000) ++written;
  BOOST_TEST(written < 1000);  // some megabytes are with the kernel, limits::watch_queue_bytes_max with us
  lock.lock();
  BOOST_TEST(changed.wait_for(lock, std::chrono::seconds{20}, [&] { return closed; }));
  BOOST_TEST(s.server->figures().cut_off == 1u);
  kept = nullptr;
}

BOOST_AUTO_TEST_CASE(an_exchange_that_is_dropped_is_answered) {
  served s{[](ports::http_exchange_ptr) {}};
  auto c = s.client();
  c.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(c.until("\"code\":500}").starts_with("HTTP/1.1 500 "));
}

BOOST_AUTO_TEST_CASE(slow_clients_are_cut_off) {
  http::server_options o;
  o.handshake_ms_max = 300;
  o.request_ms_max = 300;
  o.idle_ms_max = 300;
  served s{echo, o};
  auto idle = s.client(), slow = s.client();
  slow.send("GET / HTTP/1.1\r\nX-Slow: ");
  asio::io_context io;
  asio::ip::tcp::socket silent{io};
  silent.connect({asio::ip::make_address("127.0.0.1"), s.server->port()});
  idle.until("\001");
  slow.until("\001");
  BOOST_TEST(idle.ended);
  BOOST_TEST(slow.ended);
  char byte = 0;
  boost::system::error_code e;
  silent.read_some(asio::buffer(&byte, 1), e);
  BOOST_TEST(static_cast<bool>(e));
  BOOST_TEST(s.server->figures().cut_off == 3u);
}

BOOST_AUTO_TEST_CASE(foreign_certificates_are_refused_in_the_handshake) {
  served s{echo};
  std::string why;
  try {
    auto c = s.client(&s.pki.foreign);
    c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto text = c.until("\001");  // TLS 1.3 tells of it after the client's side of the handshake
    BOOST_TEST(text == "");
    why = c.error.message();
  } catch (const boost::system::system_error& e) {
    why = e.what();
  }
  BOOST_TEST_CONTEXT(why)
  BOOST_TEST((why.find("unknown ca") != std::string::npos || why.find("decrypt error") != std::string::npos ||
              why.find("bad certificate") != std::string::npos));
  BOOST_TEST(s.server->figures().requests == 0u);
}

BOOST_AUTO_TEST_CASE(links_are_handed_over_with_what_they_sent) {
  served s{echo};
  auto c = s.client(&s.pki.admin, "skerry-link/1");
  c.send("hello");
  std::unique_lock lock{s.links.mutex};
  BOOST_REQUIRE(s.links.changed.wait_for(lock, std::chrono::seconds{20}, [&] { return !s.links.links.empty(); }));
  auto link = s.links.links[0];
  lock.unlock();
  BOOST_TEST(link->peer().common_name == "admin");
  std::mutex mutex;
  std::condition_variable changed;
  std::string got;
  link->start({[&](ports::bytes b) {
                 std::lock_guard guard{mutex};
                 got.append(reinterpret_cast<const char*>(b.data()), b.size());
                 changed.notify_all();
               },
               [](const caf::error&) {}, [] {}});
  std::unique_lock guard{mutex};
  BOOST_TEST(changed.wait_for(guard, std::chrono::seconds{20}, [&] { return got == "hello"; }));
  guard.unlock();
  link->send({std::byte{'h'}, std::byte{'i'}});
  BOOST_TEST(c.until("hi") == "hi");
  link->close();
  c.until("\001");
  BOOST_TEST(c.ended);
}

BOOST_AUTO_TEST_CASE(an_address_in_use_is_named_with_a_remedy) {
  served s{echo};
  http::server_options o;
  o.listen = "127.0.0.1:" + std::to_string(s.server->port());
  o.certificate_pem = s.pki.server.certificate_pem;
  o.key_pem = s.pki.server.key_pem;
  o.ca_pem = s.pki.ca.certificate_pem;
  auto start = [&](std::string listen) {
    o.listen = std::move(listen);
    http::server second{s.loop, o, s.service, s.links, s.log};
    return second.start();
  };
  auto taken = start(o.listen);
  BOOST_REQUIRE(!taken);
  BOOST_TEST((code_of(taken.error()) == errc::locked));
  BOOST_TEST(message_of(taken.error()).find("--listen") != std::string::npos);
  for (const char* bad : {"nowhere", "127.0.0.1:", "127.0.0.1:99999", "example.com:1", "192.0.2.1:0"}) {
    auto e = start(bad);
    BOOST_REQUIRE(!e);
    BOOST_TEST((code_of(e.error()) == errc::invalid));
  }
  o.key_pem = s.pki.admin.key_pem;
  BOOST_TEST((code_of(start("127.0.0.1:0").error()) == errc::invalid));
}

BOOST_AUTO_TEST_SUITE_END()
