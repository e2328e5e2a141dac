#pragma once
#include <caf/expected.hpp>
#include <string>
#include <string_view>

#include "actors/ports/random.hpp"
#include "schema/json.hpp"

/// Bootstrap tokens, as Kubernetes keeps them (Secrets of type bootstrap.kubernetes.io/token in kube-system). Pure.
namespace skerry::link {

/// What lets a machine join: "<id>.<secret>", 6 and 16 characters of [a-z0-9]; the id is public, the secret is not.
struct token {
  std::string id, secret;
};
/// What `skerry token create` prints: "K10<64 hex digits>::<id>.<secret>". The digits are the SHA-256 of the cluster
/// authority's certificate (DER), so that the machine knows its cloud before it says the secret (the form of K3s).
struct full_token {
  std::string ca_pin;  ///< "sha256:<hex>"
  token what;
};

inline constexpr std::string_view token_secret_type = "bootstrap.kubernetes.io/token";
inline constexpr std::string_view token_namespace = "kube-system";

/// A new token from 22 draws of `chance`.
token make_token(ports::random& chance);
/// Errors: errc::invalid, which says what is wrong with it, and never repeats the secret.
caf::expected<token> parse_token(std::string_view text);
caf::expected<full_token> parse_full_token(std::string_view text);
std::string format_token(const token& t);
/// `ca_pin`: "sha256:<hex>" as ports::pki::fingerprint gives it.
std::string format_full_token(std::string_view ca_pin, const token& t);

/// Name of the Secret of a token: "bootstrap-token-<id>".
std::string token_secret_name(std::string_view id);
/// The core/v1 Secret of a token, without metadata that the API stamps. `expires_ms` 0: never.
/// `controller`: it lets the controller of this name join, and nobody else; empty: nodes.
json::value make_token_secret(const token& t, int64_t expires_ms, std::string_view description,
                              std::string_view controller = {});
/// What a token's Secret says; `secret` left out. For `skerry token list`.
struct token_info {
  std::string id, description;
  std::string controller;  ///< whom it is for; empty: any node
  int64_t expires_ms = 0;  ///< 0: never
  bool authentication = false;
};
/// Errors: errc::invalid if it is not the Secret of a token.
caf::expected<token_info> read_token_secret(const json::value& secret);

/// May `t` join at `now_ms`, by this Secret (null: there is none)? Compares in constant time. Errors:
/// errc::unauthorized (wrong type, secret or usage), errc::expired; the messages say what to do.
caf::expected<void> check_token(const json::value& secret, const token& t, int64_t now_ms);

std::string base64_encode(std::string_view bytes);
/// Errors: errc::invalid.
caf::expected<std::string> base64_decode(std::string_view text);

}  // namespace skerry::link
