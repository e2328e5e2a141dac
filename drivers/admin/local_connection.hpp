#pragma once
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>

#include "actors/ports/transport.hpp"
#include "drivers/net/io_loop.hpp"

namespace skerry::drivers::admin {

/// Gives out a connected UNIX-domain socket as a connection with a strand of its own, as drivers/net does with TLS. The
/// kernel says who is at the other end: a process of this machine that may open the socket's file, so an administrator:
/// organization "system:masters", common name "system:admin". `held` is let go with the socket. on_end: none for a
/// clean end, else errc::unavailable or errc::io.
ports::connection_ptr make_local_connection(boost::asio::local::stream_protocol::socket socket,
                                            std::shared_ptr<void> held = {});

/// Opens links to the admin sockets of this machine. `loop` outlives it and every connection made by it.
class local_transport final : public ports::transport {
public:
  explicit local_transport(net::io_loop& loop) : loop_(loop) {}
  /// `address` is the path of the socket; credentials are not used. Errors: errc::unavailable (nobody listens there),
  /// errc::forbidden (its file may not be opened), errc::invalid.
  void connect(std::string address, ports::client_credentials who, uint32_t deadline_ms, connected done) override;

private:
  net::io_loop& loop_;
};

}  // namespace skerry::drivers::admin
