#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/ports/http.hpp"
#include "actors/ports/log.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::net {
class io_loop;
}

namespace skerry::http {

struct server_options {
  std::string listen = "127.0.0.1:6443";  ///< "A:P", "[::1]:P"; port 0: any free one
  std::string certificate_pem, key_pem;   ///< the server's own
  std::string ca_pem;                     ///< signs clients
  uint32_t handshake_ms_max = 10'000;
  uint32_t request_ms_max = 60'000;  ///< from the first byte of a request to its last
  uint32_t stalled_ms_max = 30'000;  ///< a client that takes nothing of its answer for so long is cut off
  uint32_t idle_ms_max = 180'000;    ///< between two requests of one connection
};

/// Live numbers, for metrics and the REPL.
struct server_figures {
  uint64_t connections = 0, accepted = 0, refused = 0, handshakes_failed = 0, requests = 0, cut_off = 0;
};

/// HTTP/1.1 over TLS 1.2 and 1.3 (RFC 9112): keep-alive, pipelining answered in order, chunked bodies both ways,
/// 100-continue; client certificates verified where given. Connections that speak ALPN "skerry-link/1" go to the
/// acceptor. Requests are served on the io thread that read them. Everything is bounded: size of header (64 KiB), of
/// body (limits::request_body_bytes_max: 413), of what waits for a slow client, time of each phase, connections.
class server {
public:
  /// Nothing happens before start(). All references outlive the server.
  server(net::io_loop& loop, server_options options, ports::http_service& service, ports::link_acceptor& links,
         ports::log& log);
  ~server();  ///< stops
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Binds and listens. Errors: errc::locked (port in use), errc::invalid (address, certificate), errc::io.
  caf::expected<void> start();
  /// Closes the listener and all connections (those handed to links stay). Returns when no request is being served.
  void stop();
  /// The bound port; 0 before start().
  uint16_t port() const;
  server_figures figures() const;

private:
  class implementation;
  std::shared_ptr<implementation> implementation_;
};

}  // namespace skerry::http
