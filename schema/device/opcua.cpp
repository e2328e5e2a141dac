#include "schema/device/opcua.hpp"

#include <algorithm>

namespace skerry::device {
namespace {

constexpr size_t text_bytes_max = 1'024;

std::string lower(std::string s) {
  for (auto& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

std::optional<problem> take(const json::object& o, const char* key, int64_t min, int64_t max, uint32_t& out) {
  const auto* v = o.if_contains(key);
  if (v == nullptr || v->is_null() || (v->is_string() && v->get_string().empty())) return {};
  auto n = number_in(o, key);
  if (!n || *n < min || *n > max)
    return problem{key, "must be a number from " + std::to_string(min) + " to " + std::to_string(max)};
  out = static_cast<uint32_t>(*n);
  return {};
}

std::optional<problem> take_security(const json::object& config, opcua_address& a) {
  auto policy = lower(text_of(config, "securityPolicy"));
  policy = policy.substr(policy.rfind('#') + 1);  // its URI, too
  if (!policy.empty() && policy != "none" && policy != "basic256sha256")
    return problem{"securityPolicy", "must be None or Basic256Sha256"};
  auto secure = policy == "basic256sha256";
  auto mode = lower(text_of(config, "securityMode"));
  if (mode == "sign")
    a.security = opcua_address::mode::sign;
  else if (mode == "signandencrypt" || (mode.empty() && secure))
    a.security = opcua_address::mode::sign_and_encrypt;
  else if (!mode.empty() && mode != "none")
    return problem{"securityMode", "must be None, Sign or SignAndEncrypt"};
  if ((a.security == opcua_address::mode::none) == secure || (policy == "none" && !mode.empty() && mode != "none"))
    return problem{"securityMode", "is None with securityPolicy None, and only with that"};
  return {};
}

std::optional<problem> take_files(const json::object& config, opcua_address& a) {
  auto secure = a.security != opcua_address::mode::none;
  for (auto [key, to] : {std::pair{"certificate", &a.certificate},
                         {"privateKey", &a.private_key},
                         {"remoteCertificate", &a.remote_certificate}}) {
    *to = text_of(config, key);
    if (to->empty() && secure) return problem{key, "is wanted with Sign and SignAndEncrypt: a path on the node"};
    if (!to->empty() && (to->front() != '/' || to->size() > text_bytes_max))
      return problem{key, "must be a path on the node, as /etc/skerry/opcua/client.der"};
  }
  return {};
}

}  // namespace

std::string opcua_address::session() const {
  auto out = url + '\n' + std::to_string(static_cast<int>(security)) + '\n' + std::to_string(timeout_ms);
  for (const auto* part : {&user, &password, &certificate, &private_key, &remote_certificate}) out += '\n' + *part;
  return out;
}

std::variant<opcua_address, problem> read_opcua_address(const json::object& config) {
  constexpr std::string_view scheme = "opc.tcp://";
  opcua_address a;
  a.url = text_of(config, "url");
  if (!a.url.starts_with(scheme) || a.url.size() == scheme.size() || a.url.size() > text_bytes_max)
    return problem{"url", "must be as opc.tcp://host:4840/path"};
  a.user = text_of(config, "userName");
  a.password = text_of(config, "password");
  if (a.user.size() > text_bytes_max) return problem{"userName", "is longer than 1024 bytes"};
  if (a.password.size() > text_bytes_max) return problem{"password", "is longer than 1024 bytes"};
  if (auto p = take_security(config, a)) return *p;
  if (auto p = take_files(config, a)) return *p;
  if (auto p = take(config, "timeout", 100, 4'000, a.timeout_ms)) return *p;
  if (auto p = take(config, "samplingInterval", 10, 60'000, a.sampling_ms)) return *p;
  return a;
}

std::variant<opcua_visitor, problem> read_opcua_visitor(const json::object& config) {
  opcua_visitor v;
  v.node = text_of(config, "nodeID");
  const problem wrong{"nodeID", "must be as ns=2;i=3 or ns=1;s=Temperature"};
  std::string_view rest = v.node;
  auto digits = [](std::string_view s, uint64_t max) {
    if (s.empty() || s.size() > 10 || !std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    uint64_t n = 0;
    for (auto c : s) n = n * 10 + static_cast<uint64_t>(c - '0');
    return n <= max;
  };
  if (rest.size() > text_bytes_max) return wrong;
  if (rest.starts_with("ns=")) {
    auto end = rest.find(';');
    if (end == std::string_view::npos || !digits(rest.substr(3, end - 3), 65'535)) return wrong;
    rest.remove_prefix(end + 1);
  }
  if (rest.size() < 3 || rest[1] != '=' || std::string_view{"isgb"}.find(rest[0]) == std::string_view::npos)
    return wrong;
  if (rest[0] == 'i' && !digits(rest.substr(2), 4'294'967'295)) return wrong;
  return v;
}

}  // namespace skerry::device
