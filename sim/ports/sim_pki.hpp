#pragma once
#include "actors/ports/clock.hpp"
#include "actors/ports/pki.hpp"
#include "actors/ports/random.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::sim {

/// Certificates for the simulator: plain text that says what a certificate says, without the mathematics. A "signature"
/// is the name of the authority's key. Deterministic from `chance`.
class sim_pki final : public ports::pki {
public:
  sim_pki(ports::clock& clock, ports::random& chance) : clock_(clock), chance_(chance) {}
  caf::expected<ports::key_pair> make_authority(std::string common_name, int days) override;
  caf::expected<ports::key_pair> issue(const ports::key_pair& authority, const ports::certificate_names& names,
                                       int days) override;
  caf::expected<ports::key_pair> make_request(const ports::certificate_names& names) override;
  caf::expected<std::string> sign_request(const ports::key_pair& authority, const std::string& csr_pem,
                                          const ports::certificate_names& names, int days) override;
  caf::expected<std::string> fingerprint(const std::string& certificate_pem) override;
  caf::expected<int64_t> expires_ms(const std::string& certificate_pem) override;

  /// Who a certificate speaks for; empty names for one that does not parse.
  static ports::peer_identity identity_of(const std::string& certificate_pem);
  /// As fingerprint; empty for one that does not parse.
  static std::string pin_of(const std::string& certificate_pem);
  /// Was it signed by the authority of this certificate?
  static bool signed_by(const std::string& certificate_pem, const std::string& ca_pem);

private:
  std::string certificate(const std::string& kind, const std::string& key, const std::string& issuer,
                          const ports::certificate_names& names, int days);
  ports::clock& clock_;
  ports::random& chance_;
};

}  // namespace skerry::sim
