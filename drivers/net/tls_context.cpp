#include "drivers/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstring>

#include "schema/error.hpp"

namespace skerry::net {
namespace ssl = boost::asio::ssl;
namespace {

struct x509_free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(STACK_OF(X509) * x) const { sk_X509_free(x); }
};
using x509_ptr = std::unique_ptr<X509, x509_free>;
using bio_ptr = std::unique_ptr<BIO, x509_free>;
using key_ptr = std::unique_ptr<EVP_PKEY, x509_free>;

bio_ptr bio_of(const std::string& pem) { return bio_ptr{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))}; }

/// All certificates of a PEM text, in order.
std::vector<x509_ptr> certificates_of(const std::string& pem) {
  std::vector<x509_ptr> out;
  auto bio = bio_of(pem);
  while (auto* x = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) out.emplace_back(x);
  ERR_clear_error();
  return out;
}

caf::error refuse(const char* what) {
  auto why = openssl_reason();
  return make_error(errc::invalid, std::string{"TLS: "} + what + (why.empty() ? "" : ": " + why));
}

caf::error use_pair(SSL_CTX* ctx, const std::string& certificate_pem, const std::string& key_pem) {
  auto chain = certificates_of(certificate_pem);
  if (chain.empty()) return refuse("no certificate in the PEM text given as our own");
  if (SSL_CTX_use_certificate(ctx, chain[0].get()) != 1) return refuse("our certificate is not usable");
  for (size_t i = 1; i < chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(ctx, chain[i].get()) != 1) return refuse("our certificate chain is not usable");
  auto bio = bio_of(key_pem);
  key_ptr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)};
  if (!key) return refuse("no private key in the PEM text given as our key");
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1)
    return refuse("our private key is not that of our certificate");
  return {};
}

/// Trusts the authorities; on a server also names them to clients, and appends them to what the server sends.
caf::error use_authorities(SSL_CTX* ctx, const std::string& ca_pem, bool server) {
  auto authorities = certificates_of(ca_pem);
  if (authorities.empty()) return refuse("no certificate in the PEM text of the certificate authority");
  for (auto& x : authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x.get());
    if (!server) continue;
    SSL_CTX_add_client_CA(ctx, x.get());
    if (SSL_CTX_add1_chain_cert(ctx, x.get()) != 1) return refuse("the certificate authority is not usable");
  }
  return {};
}

std::string wire_of(std::string_view name) { return static_cast<char>(name.size()) + std::string{name}; }

int select_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                void*) {
  for (auto wanted : {alpn_link, alpn_http}) {
    for (unsigned i = 0; i < in_size && i + 1 + in[i] <= in_size; i += 1 + in[i]) {
      if (in[i] != wanted.size() || std::memcmp(in + i + 1, wanted.data(), wanted.size()) != 0) continue;
      if (wanted == alpn_link && SSL_version(ssl) < TLS1_3_VERSION) return SSL_TLSEXT_ERR_ALERT_FATAL;
      *out = in + i + 1;
      *out_size = in[i];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;  // as a server without ALPN: HTTP/1.1
}

std::string pin_of(X509* x) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(x, EVP_sha256(), digest, &size) != 1) return {};
  std::string out = "sha256:";
  for (unsigned i = 0; i < size; ++i) {
    constexpr char hex[] = "0123456789abcdef";
    out += hex[digest[i] >> 4];
    out += hex[digest[i] & 15];
  }
  return out;
}

int pin_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* ptr, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(ptr); });
  return index;
}

/// Verifies against the pinned certificate of the sent chain as the only root; the rest (signatures, dates, purpose
/// serverAuth) is OpenSSL's own check.
int verify_pinned(X509_STORE_CTX* store, void* pin) {
  const auto& wanted = *static_cast<const std::string*>(pin);
  auto* sent = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; sent != nullptr && i < sk_X509_num(sent); ++i) {
    auto* x = sk_X509_value(sent, i);
    if (pin_of(x) != wanted) continue;
    std::unique_ptr<STACK_OF(X509), x509_free> roots{sk_X509_new_null()};
    sk_X509_push(roots.get(), x);
    X509_STORE_CTX_set0_trusted_stack(store, roots.get());
    auto ok = X509_verify_cert(store);
    X509_STORE_CTX_set0_trusted_stack(store, nullptr);
    return ok;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

std::string name_part(X509_NAME* name, int nid, int& last) {
  last = X509_NAME_get_index_by_NID(name, nid, last);
  if (last < 0) return {};
  unsigned char* text = nullptr;
  auto size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
  if (size < 0) return {};
  std::string out{reinterpret_cast<char*>(text), static_cast<size_t>(size)};
  OPENSSL_free(text);
  return out;
}

}  // namespace

caf::expected<tls_context_ptr> make_server_context(const server_credentials& who) {
  ERR_clear_error();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto* ctx = context->native_handle();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // AES-128 first (RFC 8446 section 9.1 asks all to have it): a quarter less work for each byte than AES-256. ChaCha20
  // goes before both for a client that prefers it, which is one without AES in hardware.
  if (SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1)
    return refuse("TLS 1.3 has no cipher");
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const unsigned char*>("skerry"), 6);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_select_cb(ctx, select_alpn, nullptr);
  if (auto e = use_pair(ctx, who.certificate_pem, who.key_pem)) return e;
  if (auto e = use_authorities(ctx, who.ca_pem, true)) return e;
  return context;
}

caf::expected<tls_context_ptr> make_client_context(const ports::client_credentials& who) {
  ERR_clear_error();
  if (who.ca_pem.empty() && who.ca_pin.empty())
    return make_error(errc::invalid,
                      "TLS: neither a certificate authority nor a pin to trust is given; join again with a full token");
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  auto* ctx = context->native_handle();
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  auto alpn = wire_of(alpn_link);
  SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  if (!who.ca_pem.empty()) {
    if (auto e = use_authorities(ctx, who.ca_pem, false)) return e;
  } else {
    auto pin = std::make_unique<std::string>(who.ca_pin);
    SSL_CTX_set_cert_verify_callback(ctx, verify_pinned, pin.get());
    SSL_CTX_set_ex_data(ctx, pin_index(), pin.release());
  }
  if (!who.certificate_pem.empty())
    if (auto e = use_pair(ctx, who.certificate_pem, who.key_pem)) return e;
  return context;
}

std::string_view alpn_of(const SSL* ssl) {
  const unsigned char* text = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &text, &size);
  return {reinterpret_cast<const char*>(text), size};
}

ports::peer_identity identity_of(SSL* ssl, std::string address) {
  ports::peer_identity out;
  out.address = std::move(address);
  x509_ptr x{SSL_get1_peer_certificate(ssl)};
  if (!x || SSL_get_verify_result(ssl) != X509_V_OK) return out;
  auto* name = X509_get_subject_name(x.get());
  int last = -1;
  out.common_name = name_part(name, NID_commonName, last);
  for (last = -1;;) {
    auto organization = name_part(name, NID_organizationName, last);
    if (last < 0) break;
    out.organizations.push_back(std::move(organization));
  }
  return out;
}

std::string verify_failure(SSL* ssl, bool pinned) {
  auto result = SSL_get_verify_result(ssl);
  switch (result) {
    case X509_V_OK:
      return {};
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return "its certificate authority is not the one that the token pins: the token is of another cloud, or someone "
             "stands "
             "between; make a new token with `skerry token create` on the cloud and compare the address";
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return std::string{X509_verify_cert_error_string(result)} +
             ": compare the clocks of both machines, then renew the certificate";
    default:
      return std::string{"its certificate is foreign ("} + X509_verify_cert_error_string(result) +
             (pinned ? "): the chain does not lead to the pinned authority"
                     : "): it is not of the cloud that this node joined; check the address, or join again with a new "
                       "token");
  }
}

std::string openssl_reason() {
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return {};
  const auto* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

}  // namespace skerry::net
