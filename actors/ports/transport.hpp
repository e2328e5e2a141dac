#pragma once
#include <caf/error.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace skerry::ports {

using bytes = std::vector<std::byte>;

/// Who is at the other end, as TLS has proven it. Empty names: no client certificate.
struct peer_identity {
  std::string common_name;                 ///< subject CN, such as "system:node:n17"
  std::vector<std::string> organizations;  ///< subject O, such as "system:nodes"
  std::string address;                     ///< "10.1.2.3:4711", for logs
};

/// One ordered, encrypted, two-way byte stream. All members are callable from any thread; handlers are called on the
/// driver's thread, one at a time for a connection, never from inside a member.
class connection {
public:
  struct handlers {
    std::function<void(bytes)> on_bytes;  ///< whatever arrived, in order
    std::function<void(const caf::error&)>
        on_end;                        ///< exactly once, last: errc::unavailable, errc::io, or none for a clean end
    std::function<void()> on_drained;  ///< queued() went to zero after it was not
  };
  virtual ~connection() = default;  ///< closes
  /// Starts delivery. Called once, before anything arrives.
  virtual void start(handlers h) = 0;
  /// Queues bytes. The caller bounds what it queues by queued().
  virtual void send(bytes data) = 0;
  /// Bytes queued and not yet with the kernel.
  virtual size_t queued() const = 0;
  /// Sends what is queued (for at most a second), then closes.
  virtual void close() = 0;
  virtual const peer_identity& peer() const = 0;
};
using connection_ptr = std::shared_ptr<connection>;

/// What an edge needs to speak TLS 1.3 to its cloud.
struct client_credentials {
  std::string ca_pem;  ///< trust this certificate authority; empty only when `ca_pin` is set
  std::string ca_pin;  ///< "sha256:<hex of the CA certificate's DER>": trust the chain whose root matches (join)
  std::string certificate_pem;  ///< empty: none is offered (join)
  std::string key_pem;
};

/// Opens links. Real: drivers/transport (TLS on TCP); simulated: sim/ports.
class transport {
public:
  virtual ~transport() = default;
  using connected = std::function<void(caf::expected<connection_ptr>)>;
  /// Connects to "host:port" with ALPN "skerry-link/1" within `deadline_ms`; calls `done` once, on the driver's thread.
  /// Errors: errc::unavailable (nobody there), errc::unauthorized (certificate of either side refused),
  /// errc::timed_out.
  virtual void connect(std::string address, client_credentials who, uint32_t deadline_ms, connected done) = 0;
};

/// The cloud's side: takes connections whose ALPN is "skerry-link/1". Called on the driver's thread.
class link_acceptor {
public:
  virtual ~link_acceptor() = default;
  virtual void on_link(connection_ptr connection) = 0;
};

}  // namespace skerry::ports
