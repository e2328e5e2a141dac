#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "actors/ports/random.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/net/tls_connection.hpp"
#include "drivers/net/tls_context.hpp"
#include "drivers/net/transport.hpp"
#include "drivers/pki/openssl.hpp"
#include "schema/error.hpp"

namespace skerry::test {

struct seeded_random : ports::random {
  explicit seeded_random(uint64_t seed) : engine(seed) {}
  uint64_t next() override { return engine(); }
  std::mt19937_64 engine;
};

/// What arrived at one end of a connection.
struct sink {
  std::mutex mutex;
  ports::bytes data;
  int ends = 0, drains = 0;
  caf::error why;

  ports::connection::handlers handlers() {
    return {[this](ports::bytes b) {
              std::lock_guard lock{mutex};
              data.insert(data.end(), b.begin(), b.end());
            },
            [this](const caf::error& e) {
              std::lock_guard lock{mutex};
              ++ends;
              why = e;
            },
            [this] {
              std::lock_guard lock{mutex};
              ++drains;
            }};
  }
  template <class F>
  auto look(F f) {
    std::lock_guard lock{mutex};
    return f(*this);
  }
};

inline ports::bytes pattern(size_t n, unsigned seed) {
  ports::bytes out(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>((i * 131 + seed * 7919 + i / 251) & 0xff);
  return out;
}

/// A TLS server on loopback with the production contexts: accepts, shakes hands, gives connections out.
struct tls_server {
  net::io_loop loop{2};
  pki::openssl pki;
  ports::key_pair ca = *pki.make_authority("test", 10);
  ports::key_pair server = *pki.issue(ca, {"skerry", {}, {"127.0.0.1"}, true}, 10);
  ports::key_pair node = *pki.issue(ca, {"system:node:n1", {"system:nodes"}, {}, false}, 10);
  net::tls_context_ptr context;
  boost::asio::ip::tcp::acceptor acceptor{loop.context(), {boost::asio::ip::make_address("127.0.0.1"), 0}};
  std::mutex mutex;
  std::vector<ports::connection_ptr> accepted;
  std::vector<std::string> refusals, protocols;
  std::function<void(ports::connection_ptr)> on_accept;  ///< instead of `accepted`
  net::tls_transport transport{loop};

  tls_server() {
    auto made = net::make_server_context({server.certificate_pem, server.key_pem, ca.certificate_pem});
    if (!made) throw std::runtime_error(message_of(made.error()));
    context = *made;
    accept();
  }
  ~tls_server() {
    loop.stop();
    accepted.clear();
  }
  void accept() {
    acceptor.async_accept([this](boost::system::error_code ec, boost::asio::ip::tcp::socket s) {
      if (ec) return;
      auto stream = std::make_shared<net::tls_stream>(std::move(s), *context);
      stream->async_handshake(boost::asio::ssl::stream_base::server, [this, stream](boost::system::error_code e) {
        std::lock_guard lock{mutex};
        if (e) return refusals.push_back(e.message());
        protocols.emplace_back(net::alpn_of(stream->native_handle()));
        auto connection = net::make_tls_connection(std::move(*stream));
        if (on_accept)
          on_accept(std::move(connection));
        else
          accepted.push_back(std::move(connection));
      });
      accept();
    });
  }
  std::string address() { return "https://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()); }
  ports::client_credentials credentials() { return {ca.certificate_pem, {}, node.certificate_pem, node.key_pem}; }

  caf::expected<ports::connection_ptr> dial(const std::string& to, ports::client_credentials who,
                                            uint32_t deadline_ms = 5000) {
    std::mutex m;
    std::condition_variable cv;
    bool done = false;
    caf::expected<ports::connection_ptr> out{make_error(errc::internal, "unset")};
    transport.connect(to, std::move(who), deadline_ms, [&](caf::expected<ports::connection_ptr> c) {
      std::lock_guard lock{m};
      out = std::move(c);
      done = true;
      cv.notify_all();
    });
    std::unique_lock lock{m};
    if (!cv.wait_for(lock, std::chrono::seconds(30), [&] { return done; }))
      throw std::runtime_error("connect was not answered");
    return out;
  }
  ports::connection_ptr next_accepted() {
    for (int i = 0; i < 30'000; ++i) {
      {
        std::lock_guard lock{mutex};
        if (!accepted.empty()) {
          auto c = accepted.front();
          accepted.erase(accepted.begin());
          return c;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    throw std::runtime_error("nothing was accepted");
  }
};

template <class F>
bool until(F holds) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace skerry::test
