#pragma once
#include "actors/ports/pki.hpp"

namespace skerry::pki {

/// Certificates by OpenSSL 3: X.509 v3, ECDSA P-256 with SHA-256, serials of 127 random bits (RFC 5280
/// section 4.1.2.2), valid from five minutes before now, against skewed clocks. Keys are PKCS#8. Stateless; callable
/// from any thread.
class openssl final : public ports::pki {
public:
  caf::expected<ports::key_pair> make_authority(std::string common_name, int days) override;
  caf::expected<ports::key_pair> issue(const ports::key_pair& authority, const ports::certificate_names& names,
                                       int days) override;
  caf::expected<ports::key_pair> make_request(const ports::certificate_names& names) override;
  caf::expected<std::string> sign_request(const ports::key_pair& authority, const std::string& csr_pem,
                                          const ports::certificate_names& names, int days) override;
  caf::expected<std::string> fingerprint(const std::string& certificate_pem) override;
  caf::expected<int64_t> expires_ms(const std::string& certificate_pem) override;
};

}  // namespace skerry::pki
