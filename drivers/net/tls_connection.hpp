#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "actors/ports/transport.hpp"

namespace skerry::net {

using tls_stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

/// Takes a stream whose handshake is done and gives it out as a connection with a strand of its own. What is queued
/// while a write runs goes out as one. The TLS context need not outlive it; its io_context must. on_end: none (the peer
/// closed by TLS's rules, or we did), errc::unauthorized (the peer refused our certificate; TLS 1.3 tells so only after
/// the handshake), errc::unavailable (reset, cut, keep-alive ran out), errc::io.
ports::connection_ptr make_tls_connection(tls_stream stream);

/// "10.1.2.3:4711", "[::1]:4711"; empty if the socket is not connected.
std::string address_of(const boost::asio::ip::tcp::socket& socket);

}  // namespace skerry::net
