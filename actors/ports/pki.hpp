#pragma once
#include <caf/expected.hpp>
#include <string>
#include <vector>

namespace skerry::ports {

struct key_pair {
  std::string certificate_pem;
  std::string key_pem;  ///< PKCS#8, unencrypted
};
struct certificate_names {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> hosts;  ///< subjectAltName, DNS names and IP addresses; for servers
  bool server = false;             ///< serverAuth rather than clientAuth
};

/// Certificates, X.509 v3 with ECDSA P-256. Real: drivers/pki (OpenSSL).
class pki {
public:
  virtual ~pki() = default;
  virtual caf::expected<key_pair> make_authority(std::string common_name, int days) = 0;
  virtual caf::expected<key_pair> issue(const key_pair& authority, const certificate_names& names, int days) = 0;
  /// A new key and a certificate request for it (`certificate_pem` holds the CSR).
  virtual caf::expected<key_pair> make_request(const certificate_names& names) = 0;
  /// Checks the request's own signature and signs its public key for `names` (what the request asks for is ignored).
  virtual caf::expected<std::string> sign_request(const key_pair& authority, const std::string& csr_pem,
                                                  const certificate_names& names, int days) = 0;
  /// "sha256:<hex>" of the certificate's DER.
  virtual caf::expected<std::string> fingerprint(const std::string& certificate_pem) = 0;
  /// Unix milliseconds at which the certificate ends.
  virtual caf::expected<int64_t> expires_ms(const std::string& certificate_pem) = 0;
};

}  // namespace skerry::ports
