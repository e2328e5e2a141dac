#pragma once
#include "actors/ports/transport.hpp"
#include "drivers/net/io_loop.hpp"

namespace skerry::net {

/// Opens links over TLS 1.3 on TCP. `loop` outlives it and every connection made by it.
class tls_transport final : public ports::transport {
public:
  explicit tls_transport(io_loop& loop) : loop_(loop) {}
  void connect(std::string address, ports::client_credentials who, uint32_t deadline_ms, connected done) override;

private:
  io_loop& loop_;
};

/// Splits "host:port", "[v6]:port", with or without "https://" before and a slash after; the port is 6443 if none is
/// given. Errors: errc::invalid.
caf::expected<std::pair<std::string, std::string>> split_address(std::string_view address);

}  // namespace skerry::net
