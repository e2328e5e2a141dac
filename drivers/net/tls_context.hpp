#pragma once
#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <caf/expected.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "actors/ports/transport.hpp"

namespace skerry::net {

inline constexpr std::string_view alpn_link = "skerry-link/1";
inline constexpr std::string_view alpn_http = "http/1.1";

struct server_credentials {
  std::string certificate_pem;  ///< the server's own, intermediates may follow
  std::string key_pem;
  std::string ca_pem;  ///< signs clients; sent after the server's certificate, so that a join can compare its pin
};

using tls_context_ptr = std::shared_ptr<boost::asio::ssl::context>;

/// TLS for the API's port. A client certificate is asked for, not required (bearer tokens and joins come without one),
/// and one that is not of `ca_pem` ends the handshake. TLS 1.2 and up; the link (by ALPN) 1.3 alone. Stateless tickets,
/// no session cache, buffers released while idle. Errors: errc::invalid with OpenSSL's reason.
caf::expected<tls_context_ptr> make_server_context(const server_credentials& who);

/// TLS 1.3 for an edge, with ALPN "skerry-link/1". With `ca_pin` and no `ca_pem` it accepts the chain in which a
/// certificate whose DER has that SHA-256 is the root, nothing else. The name in the server's certificate is not
/// compared with the address: the authority is the cluster's own, it gives serverAuth to the cloud alone, and a cloud
/// may be reached by many names. Errors: errc::invalid.
caf::expected<tls_context_ptr> make_client_context(const ports::client_credentials& who);

/// What the handshake agreed on: alpn_link, alpn_http, or empty.
std::string_view alpn_of(const SSL* ssl);

/// The peer's proven identity after the handshake; empty names if it came without a certificate (or one that does not
/// check).
ports::peer_identity identity_of(SSL* ssl, std::string address);

/// Empty if the peer's certificate was accepted; else why not, and what to do, for an edge that looks at a server.
std::string verify_failure(SSL* ssl, bool pinned);

/// The oldest entry of OpenSSL's error queue as text; empties the queue.
std::string openssl_reason();

}  // namespace skerry::net
