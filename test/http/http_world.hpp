#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <filesystem>
#include <fstream>

#include "drivers/http/server.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/net/tls_context.hpp"
#include "drivers/pki/openssl.hpp"
#include "test/api/world.hpp"

namespace skerry::test {
namespace asio = boost::asio;

/// Takes links and keeps them.
struct kept_links : ports::link_acceptor {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ports::connection_ptr> links;
  void on_link(ports::connection_ptr c) override {
    std::lock_guard lock{mutex};
    links.push_back(std::move(c));
    changed.notify_all();
  }
};

/// A certificate authority, a server's certificate for 127.0.0.1, an administrator's.
struct test_pki {
  test_pki() {
    ca = *pki.make_authority("skerry-ca", 10);
    server = *pki.issue(ca, {"skerry", {}, {"127.0.0.1", "localhost"}, true}, 10);
    admin = *pki.issue(ca, {"admin", {"system:masters"}, {}, false}, 10);
    auto other = *pki.make_authority("skerry-ca", 10);
    foreign = *pki.issue(other, {"admin", {"system:masters"}, {}, false}, 10);
  }
  pki::openssl pki;
  ports::key_pair ca, server, admin, foreign;
};

/// A service made of a function.
struct function_service : ports::http_service {
  std::function<void(ports::http_exchange_ptr)> f;
  void serve(ports::http_exchange_ptr e) override { f(std::move(e)); }
};

/// A blocking TLS client, as bare as it can be: what is sent and what comes are bytes.
class raw_client {
public:
  raw_client(uint16_t port, const test_pki& pki, const ports::key_pair* who, std::string alpn = "")
      : context_(asio::ssl::context::tls_client) {
    context_.add_certificate_authority(asio::buffer(pki.ca.certificate_pem));
    context_.set_verify_mode(asio::ssl::verify_peer);
    if (who != nullptr) {
      context_.use_certificate_chain(asio::buffer(who->certificate_pem));
      context_.use_private_key(asio::buffer(who->key_pem), asio::ssl::context::pem);
    }
    stream_.emplace(io_, context_);
    if (!alpn.empty()) {
      alpn.insert(alpn.begin(), static_cast<char>(alpn.size()));
      SSL_set_alpn_protos(stream_->native_handle(), reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
    }
    stream_->next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    timeval limit{20, 0};
    setsockopt(stream_->next_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    stream_->handshake(asio::ssl::stream_base::client);
  }
  void send(const std::string& bytes) { asio::write(*stream_, asio::buffer(bytes)); }
  /// Reads until `wanted` stands in what came, or the end; returns all that came so far.
  std::string until(const std::string& wanted) {
    boost::system::error_code e;
    while (!e && seen_.find(wanted) == std::string::npos) {
      char buffer[65536];
      auto n = stream_->read_some(asio::buffer(buffer), e);
      seen_.append(buffer, n);
    }
    ended = static_cast<bool>(e);
    error = e;
    return seen_;
  }
  std::string until_size(size_t n) {
    boost::system::error_code e;
    while (!e && seen_.size() < n) {
      char buffer[65536];
      seen_.append(buffer, stream_->read_some(asio::buffer(buffer), e));
    }
    return seen_;
  }
  void forget() { seen_.clear(); }
  boost::asio::ip::tcp::socket& socket() { return stream_->next_layer(); }
  bool ended = false;
  boost::system::error_code error;

private:
  asio::io_context io_;
  asio::ssl::context context_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket>> stream_;
  std::string seen_;
};

}  // namespace skerry::test
