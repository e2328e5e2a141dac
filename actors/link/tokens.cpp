#include "actors/link/tokens.hpp"

#include "schema/error.hpp"

namespace skerry::link {
namespace {

constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr size_t id_size = 6, secret_size = 16, pin_digits = 64;
constexpr std::string_view full_prefix = "K10", pin_prefix = "sha256:";
constexpr const char* unknown = "is not known to this cloud, or its secret is wrong";
constexpr const char* remedy = "; make a new one with `skerry token create` on the cloud";

bool consists_of(std::string_view text, std::string_view of) { return text.find_first_not_of(of) == text.npos; }

bool same(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  return difference == 0;
}

/// A field of a Secret: data (base64) or, before the API has folded it, stringData.
std::string field(const json::value& secret, std::string_view name) {
  const auto& data = object_at(secret, "data");
  if (const auto* v = data.if_contains(name); v != nullptr && v->is_string()) {
    auto text = base64_decode(std::string_view{v->get_string()});
    return text ? *text : std::string{};
  }
  const auto& plain = object_at(secret, "stringData");
  const auto* v = plain.if_contains(name);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}

}  // namespace

token make_token(ports::random& chance) {
  auto draw = [&](size_t n) {
    std::string out;
    while (out.size() < n) {
      auto x = chance.next() & 63;  // the first 36 of 64 values, the others are drawn anew: no bias
      if (x < alphabet.size()) out += alphabet[x];
    }
    return out;
  };
  auto id = draw(id_size);
  return {std::move(id), draw(secret_size)};
}

caf::expected<token> parse_token(std::string_view text) {
  auto dot = text.find('.');
  if (dot != id_size || text.size() != id_size + 1 + secret_size || !consists_of(text.substr(0, dot), alphabet) ||
      !consists_of(text.substr(dot + 1), alphabet))
    return make_error(errc::invalid,
                      "the token is not of the form <6 characters>.<16 characters> of a-z and 0-9; copy it whole" +
                          std::string{remedy});
  return token{std::string{text.substr(0, dot)}, std::string{text.substr(dot + 1)}};
}

caf::expected<full_token> parse_full_token(std::string_view text) {
  auto colons = text.find("::");
  if (!text.starts_with(full_prefix) || colons != full_prefix.size() + pin_digits ||
      !consists_of(text.substr(full_prefix.size(), pin_digits), "0123456789abcdef"))
    return make_error(errc::invalid,
                      "the token does not begin with K10, 64 hex digits and ::, which name the cloud; copy it whole" +
                          std::string{remedy});
  auto t = parse_token(text.substr(colons + 2));
  if (!t) return std::move(t.error());
  return full_token{std::string{pin_prefix} + std::string{text.substr(full_prefix.size(), pin_digits)}, std::move(*t)};
}

std::string format_token(const token& t) { return t.id + "." + t.secret; }

std::string format_full_token(std::string_view ca_pin, const token& t) {
  if (ca_pin.starts_with(pin_prefix)) ca_pin.remove_prefix(pin_prefix.size());
  return std::string{full_prefix} + std::string{ca_pin} + "::" + format_token(t);
}

std::string token_secret_name(std::string_view id) { return "bootstrap-token-" + std::string{id}; }

json::value make_token_secret(const token& t, int64_t expires_ms, std::string_view description,
                              std::string_view controller) {
  json::object data;
  auto put = [&](const char* name, std::string_view text) { data[name] = base64_encode(text); };
  put("token-id", t.id);
  put("token-secret", t.secret);
  put("usage-bootstrap-authentication", "true");
  put("usage-bootstrap-signing", "true");
  if (expires_ms != 0) put("expiration", format_time(expires_ms));
  if (!description.empty()) put("description", description);
  if (!controller.empty()) put("skerry-controller", controller);
  return json::object{{"apiVersion", "v1"},
                      {"kind", "Secret"},
                      {"metadata", json::object{{"name", token_secret_name(t.id)}, {"namespace", token_namespace}}},
                      {"type", token_secret_type},
                      {"data", std::move(data)}};
}

caf::expected<token_info> read_token_secret(const json::value& secret) {
  token_info out;
  out.id = field(secret, "token-id");
  if (string_at(secret, "type") != token_secret_type || out.id.empty())
    return make_error(errc::invalid, "Secret " + std::string{string_at(secret, "metadata.name")} +
                                         " is not that of a bootstrap token");
  out.description = field(secret, "description");
  out.controller = field(secret, "skerry-controller");
  out.authentication = field(secret, "usage-bootstrap-authentication") == "true";
  auto expiration = field(secret, "expiration");
  if (expiration.empty()) return out;
  auto at = parse_time(expiration);
  if (!at) return make_error(errc::invalid, "token " + out.id + " has an expiration that is no RFC 3339 time");
  out.expires_ms = *at;
  return out;
}

caf::expected<void> check_token(const json::value& secret, const token& t, int64_t now_ms) {
  auto info = read_token_secret(secret);
  auto wrong = [&](const std::string& why) {
    return make_error(errc::unauthorized, "token " + t.id + " " + why + remedy);
  };
  if (secret.is_null()) return wrong(unknown);
  if (!info) return wrong("is not valid: " + message_of(info.error()));
  auto matches = same(t.id, info->id) & same(t.secret, field(secret, "token-secret"));
  if (!matches) return wrong(unknown);
  if (!info->authentication) return wrong("may not be used to join (usage-bootstrap-authentication is not \"true\")");
  if (info->expires_ms != 0 && info->expires_ms <= now_ms)
    return make_error(errc::expired, "token " + t.id + " ended at " + format_time(info->expires_ms) + remedy);
  if (!object_at(secret, "metadata").contains("deletionTimestamp")) return {};
  return wrong("is being deleted");
}

namespace {
constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int n = 0;
  for (unsigned char c : bytes) {
    bits = bits << 8 | c;
    for (n += 8; n >= 6; n -= 6) out += base64[bits >> (n - 6) & 63];
  }
  if (n > 0) out += base64[bits << (6 - n) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

caf::expected<std::string> base64_decode(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int n = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (char c : text) {
    auto at = base64.find(c);
    if (at == base64.npos) return make_error(errc::invalid, "not base64: a character that is none of its alphabet");
    bits = bits << 6 | static_cast<uint32_t>(at);
    if ((n += 6) >= 8) out += static_cast<char>(bits >> (n -= 8) & 0xff);
  }
  return out;
}

}  // namespace skerry::link
