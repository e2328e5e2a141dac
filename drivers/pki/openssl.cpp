#include "drivers/pki/openssl.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "schema/error.hpp"

namespace skerry::pki {
namespace {

struct deleter {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(X509_REQ* x) const { X509_REQ_free(x); }
  void operator()(X509_NAME* x) const { X509_NAME_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(BIGNUM* x) const { BN_free(x); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

caf::error failed(const std::string& what) {
  auto code = ERR_get_error();
  ERR_clear_error();
  const auto* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return make_error(errc::invalid, what + (reason != nullptr ? std::string{": "} + reason : ""));
}

owned<BIO> bio_of(const std::string& text) {
  return owned<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}
std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}
template <class F>
std::string pem_of(F&& write) {
  owned<BIO> bio{BIO_new(BIO_s_mem())};
  write(bio.get());
  return text_of(bio.get());
}
std::string pem_of(X509* x) {
  return pem_of([&](BIO* b) { PEM_write_bio_X509(b, x); });
}
std::string pem_of(EVP_PKEY* key) {
  return pem_of([&](BIO* b) { PEM_write_bio_PKCS8PrivateKey(b, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

owned<X509> certificate_of(const std::string& pem) {
  return owned<X509>{PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr)};
}
owned<EVP_PKEY> key_of(const std::string& pem) {
  return owned<EVP_PKEY>{PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, nullptr, nullptr)};
}

owned<X509_NAME> subject_of(const ports::certificate_names& names) {
  owned<X509_NAME> out{X509_NAME_new()};
  auto add = [&](const char* field, const std::string& text) {
    return X509_NAME_add_entry_by_txt(out.get(), field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  for (const auto& o : names.organizations)
    if (!add("O", o)) return {};
  if (!add("CN", names.common_name)) return {};
  return out;
}

bool extend(X509* x, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX ctx;
  X509V3_set_ctx_nodb(&ctx);
  X509V3_set_ctx(&ctx, issuer, x, nullptr, nullptr, 0);
  owned<X509_EXTENSION> e{X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str())};
  return e && X509_add_ext(x, e.get(), -1) == 1;
}

/// "DNS:…,IP:…" of hosts. A name with characters that the syntax of the extension gives a meaning to yields empty.
std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  for (const auto& h : hosts) {
    if (h.empty() ||
        h.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_*") != h.npos)
      return {};
    auto numeric = h.find(':') != h.npos || h.find_first_not_of("0123456789.") == h.npos;
    out += (out.empty() ? "" : ",") + std::string{numeric ? "IP:" : "DNS:"} + h;
  }
  return out;
}

bool set_serial(X509* x) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] &= 0x7f;
  bytes[15] |= 1;
  owned<BIGNUM> n{BN_bin2bn(bytes, sizeof bytes, nullptr)};
  return n && BN_to_ASN1_INTEGER(n.get(), X509_get_serialNumber(x)) != nullptr;
}

/// A certificate without extensions and signature.
owned<X509> blank(X509_NAME* subject, X509_NAME* issuer, EVP_PKEY* key, int days) {
  owned<X509> x{X509_new()};
  auto ok = X509_set_version(x.get(), X509_VERSION_3) == 1 && set_serial(x.get()) &&
            X509_gmtime_adj(X509_getm_notBefore(x.get()), -300) != nullptr &&
            X509_time_adj_ex(X509_getm_notAfter(x.get()), days, 0, nullptr) != nullptr &&
            X509_set_subject_name(x.get(), subject) == 1 && X509_set_issuer_name(x.get(), issuer) == 1 &&
            X509_set_pubkey(x.get(), key) == 1;
  return ok ? std::move(x) : nullptr;
}

caf::expected<std::string> sign(const ports::key_pair& authority, EVP_PKEY* subject_key,
                                const ports::certificate_names& names, int days) {
  auto issuer = certificate_of(authority.certificate_pem);
  auto issuer_key = key_of(authority.key_pem);
  if (!issuer || !issuer_key) return failed("the certificate authority's certificate or key does not parse");
  auto subject = subject_of(names);
  if (!subject) return failed("name \"" + names.common_name + "\" does not fit a certificate");
  auto x = blank(subject.get(), X509_get_subject_name(issuer.get()), subject_key, days);
  if (!x) return failed("certificate for " + names.common_name);
  auto ok = extend(x.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
            extend(x.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") &&
            extend(x.get(), issuer.get(), NID_ext_key_usage, names.server ? "serverAuth" : "clientAuth") &&
            extend(x.get(), issuer.get(), NID_authority_key_identifier, "keyid:always");
  if (ok && !names.hosts.empty()) {
    auto hosts = alternative_names(names.hosts);
    if (hosts.empty() || !extend(x.get(), issuer.get(), NID_subject_alt_name, hosts))
      return failed("a host name of " + names.common_name + " is neither a DNS name nor an IP address");
  }
  if (!ok || X509_sign(x.get(), issuer_key.get(), EVP_sha256()) == 0) return failed("signing for " + names.common_name);
  return pem_of(x.get());
}

}  // namespace

caf::expected<ports::key_pair> openssl::make_authority(std::string common_name, int days) {
  ERR_clear_error();
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  auto subject = subject_of({std::move(common_name), {}, {}, false});
  if (!key || !subject) return failed("key of a certificate authority");
  auto x = blank(subject.get(), subject.get(), key.get(), days);
  auto ok = x && extend(x.get(), x.get(), NID_basic_constraints, "critical,CA:TRUE") &&
            extend(x.get(), x.get(), NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature") &&
            extend(x.get(), x.get(), NID_subject_key_identifier, "hash") &&
            X509_sign(x.get(), key.get(), EVP_sha256()) != 0;
  if (!ok) return failed("certificate of a certificate authority");
  return ports::key_pair{pem_of(x.get()), pem_of(key.get())};
}

caf::expected<ports::key_pair> openssl::issue(const ports::key_pair& authority, const ports::certificate_names& names,
                                              int days) {
  ERR_clear_error();
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  if (!key) return failed("key for " + names.common_name);
  auto certificate = sign(authority, key.get(), names, days);
  if (!certificate) return std::move(certificate.error());
  return ports::key_pair{std::move(*certificate), pem_of(key.get())};
}

caf::expected<ports::key_pair> openssl::make_request(const ports::certificate_names& names) {
  ERR_clear_error();
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  auto subject = subject_of(names);
  owned<X509_REQ> request{X509_REQ_new()};
  auto ok = key && subject && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
            X509_REQ_set_subject_name(request.get(), subject.get()) == 1 &&
            X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
            X509_REQ_sign(request.get(), key.get(), EVP_sha256()) != 0;
  if (!ok) return failed("certificate request for " + names.common_name);
  return ports::key_pair{pem_of([&](BIO* b) { PEM_write_bio_X509_REQ(b, request.get()); }), pem_of(key.get())};
}

caf::expected<std::string> openssl::sign_request(const ports::key_pair& authority, const std::string& csr_pem,
                                                 const ports::certificate_names& names, int days) {
  ERR_clear_error();
  owned<X509_REQ> request{PEM_read_bio_X509_REQ(bio_of(csr_pem).get(), nullptr, nullptr, nullptr)};
  if (!request) return failed("the certificate request does not parse");
  auto* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1)
    return failed("the certificate request is not signed by its own key");
  if (EVP_PKEY_get_security_bits(key) < 112) return failed("the key of the certificate request is too weak");
  return sign(authority, key, names, days);
}

caf::expected<std::string> openssl::fingerprint(const std::string& certificate_pem) {
  ERR_clear_error();
  auto x = certificate_of(certificate_pem);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!x || X509_digest(x.get(), EVP_sha256(), digest, &size) != 1) return failed("the certificate does not parse");
  std::string out = "sha256:";
  for (unsigned i = 0; i < size; ++i) {
    constexpr char hex[] = "0123456789abcdef";
    out += hex[digest[i] >> 4];
    out += hex[digest[i] & 15];
  }
  return out;
}

caf::expected<int64_t> openssl::expires_ms(const std::string& certificate_pem) {
  ERR_clear_error();
  auto x = certificate_of(certificate_pem);
  if (!x) return failed("the certificate does not parse");
  tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(x.get()), &at) != 1) return failed("the certificate's end does not parse");
  return static_cast<int64_t>(timegm(&at)) * 1000;
}

}  // namespace skerry::pki
