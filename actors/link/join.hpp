#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/ports/pki.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::link {

struct join_request {
  std::string address;       ///< "https://host:port"
  std::string token;         ///< as `skerry token create` prints it: "K10<sha256 of the CA>::<id>.<secret>"
  std::string node;          ///< a DNS subdomain (RFC 1123), as Kubernetes wants node names; or
  std::string controller{};  ///< a name of the same form: joins as that controller, with a token that is for it
};

/// Joins this machine to a cloud: connects, trusting only the authority that the token pins, sends a certificate
/// request (the key never leaves), takes the certificate. `done` is called once, on the transport's thread or from
/// within this call, with what an edge needs from then on; the caller saves it (files of mode 0600). No timer: the
/// caller bounds the wait (the cloud closes after limits::connect_ms_max). `transport` and `pki` must outlive the call
/// of `done`. Errors: errc::invalid (token or name malformed), errc::unauthorized (unknown token, foreign cloud),
/// errc::expired, errc::unavailable, errc::timed_out, errc::already_exists; each says what to do.
void join(ports::transport& transport, ports::pki& pki, join_request request,
          std::function<void(caf::expected<ports::client_credentials>)> done);

/// errc::invalid with the rule if `name` may not be a node's name, or a controller's.
caf::error check_node_name(std::string_view name);
caf::error check_controller_name(std::string_view name);

inline constexpr std::string_view node_user_prefix = "system:node:";
inline constexpr std::string_view node_organization = "system:nodes";

inline constexpr std::string_view controller_islands = "/controller/";
inline constexpr std::string_view controller_user_prefix = "skerry:controller:";
inline constexpr std::string_view controller_organization = "skerry:controllers";

/// What their certificates say.
ports::certificate_names names_of_node(std::string_view name);
ports::certificate_names names_of_controller(std::string_view name);

/// The controller that a peer's certificate speaks for, or empty: CN "skerry:controller:<name>" and O
/// "skerry:controllers".
std::string_view controller_of_peer(const ports::peer_identity& peer);

/// The node that a peer's certificate speaks for, or empty: CN "system:node:<name>" and O "system:nodes".
std::string_view node_of_peer(const ports::peer_identity& peer);

}  // namespace skerry::link
