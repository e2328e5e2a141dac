#include "sim/ports/sim_pki.hpp"

#include <functional>

#include "schema/error.hpp"

namespace skerry::sim {
namespace {
/// The value of a line "<name>: <value>" of a certificate's text.
std::string field(const std::string& text, const std::string& name) {
  auto at = text.find("\n" + name + ": ");
  if (at == std::string::npos) return {};
  at += name.size() + 3;
  return text.substr(at, text.find('\n', at) - at);
}
caf::error broken() { return make_error(errc::invalid, "it is no certificate of the simulator"); }
}  // namespace

std::string sim_pki::certificate(const std::string& kind, const std::string& key, const std::string& issuer,
                                 const ports::certificate_names& names, int days) {
  auto organizations = std::string{};
  for (const auto& o : names.organizations) organizations += (organizations.empty() ? "" : ",") + o;
  return kind + "\nkey: " + key + "\nissuer: " + issuer + "\ncn: " + names.common_name + "\no: " + organizations +
         "\nuntil: " + std::to_string(clock_.wall_ms() + days * 86'400'000LL) +
         "\nserial: " + std::to_string(chance_.next()) + "\n";
}

caf::expected<ports::key_pair> sim_pki::make_authority(std::string common_name, int days) {
  auto key = "key-" + std::to_string(chance_.next());
  return ports::key_pair{certificate("certificate", key, key, {std::move(common_name), {}, {}, false}, days), key};
}

caf::expected<ports::key_pair> sim_pki::issue(const ports::key_pair& authority, const ports::certificate_names& names,
                                              int days) {
  auto key = "key-" + std::to_string(chance_.next());
  return ports::key_pair{certificate("certificate", key, authority.key_pem, names, days), key};
}

caf::expected<ports::key_pair> sim_pki::make_request(const ports::certificate_names& names) {
  auto key = "key-" + std::to_string(chance_.next());
  return ports::key_pair{certificate("request", key, key, names, 0), key};
}

caf::expected<std::string> sim_pki::sign_request(const ports::key_pair& authority, const std::string& csr_pem,
                                                 const ports::certificate_names& names, int days) {
  auto key = field(csr_pem, "key");
  if (!csr_pem.starts_with("request\n") || key.empty())
    return make_error(errc::invalid, "the certificate request does not parse");
  return certificate("certificate", key, authority.key_pem, names, days);
}

caf::expected<std::string> sim_pki::fingerprint(const std::string& certificate_pem) {
  auto pin = pin_of(certificate_pem);
  if (pin.empty()) return broken();
  return pin;
}

std::string sim_pki::pin_of(const std::string& certificate_pem) {
  if (!certificate_pem.starts_with("certificate\n")) return {};
  std::string out = "sha256:";
  for (int i = 0; i < 4; ++i) {
    char text[20];
    std::snprintf(text, sizeof text, "%016zx", std::hash<std::string>{}(certificate_pem + std::to_string(i)));
    out += text;
  }
  return out;
}

caf::expected<int64_t> sim_pki::expires_ms(const std::string& certificate_pem) {
  auto until = field(certificate_pem, "until");
  if (until.empty()) return broken();
  return static_cast<int64_t>(std::stoll(until));
}

ports::peer_identity sim_pki::identity_of(const std::string& certificate_pem) {
  ports::peer_identity out;
  out.common_name = field(certificate_pem, "cn");
  auto rest = field(certificate_pem, "o");
  while (!rest.empty()) {
    auto comma = rest.find(',');
    out.organizations.push_back(rest.substr(0, comma));
    rest = comma == std::string::npos ? std::string{} : rest.substr(comma + 1);
  }
  return out;
}

bool sim_pki::signed_by(const std::string& certificate_pem, const std::string& ca_pem) {
  auto issuer = field(certificate_pem, "issuer");
  return !issuer.empty() && issuer == field(ca_pem, "key");
}

}  // namespace skerry::sim
