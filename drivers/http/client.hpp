#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <string>

#include "actors/ports/transport.hpp"

namespace skerry::drivers::http {

struct client_response {
  int status = 0;
  std::string body;
};

/// One HTTPS request for the command line's own commands: connects, asks, closes; blocks at most `deadline_ms`.
/// `server` is "https://HOST:PORT"; the certificate must come from `who.ca_pem` and name the host.
/// Errors: errc::invalid (server), errc::unavailable (nobody listens), errc::unauthorized (certificate),
/// errc::timed_out.
caf::expected<client_response> call(const std::string& server, const ports::client_credentials& who,
                                    const std::string& method, const std::string& target, const std::string& body,
                                    uint32_t deadline_ms);

}  // namespace skerry::drivers::http
