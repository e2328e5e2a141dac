#include "drivers/device/opcua/client.hpp"

#include <open62541/client_config_default.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "drivers/device/opcua/values.hpp"

namespace skerry::drivers::opcua {
namespace {

constexpr size_t file_bytes_max = 64 * 1024;
constexpr size_t trusted_max = 256;
constexpr uint32_t message_bytes_max = 4 * 1024 * 1024;
constexpr const char* made_uri = "urn:skerry:node";

using x509 = std::unique_ptr<X509, decltype(&::X509_free)>;
using pkey = std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)>;
using bio = std::unique_ptr<BIO, decltype(&::BIO_free)>;

bool load(const std::string& file, std::string& out, std::string& why) {
  std::ifstream in{file, std::ios::binary};
  out.resize(file_bytes_max);
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (!in.eof() || in.gcount() == 0) {
    why = file + (in.eof() ? " is empty" : " cannot be read as a certificate or key");
    return false;
  }
  out.resize(static_cast<size_t>(in.gcount()));
  return true;
}

bio memory(const std::string& s) { return {::BIO_new_mem_buf(s.data(), static_cast<int>(s.size())), &::BIO_free}; }

x509 certificate_in(const std::string& bytes) {
  auto b = memory(bytes);
  auto pem = bytes.find("-----BEGIN") != std::string::npos;
  x509 out{pem ? ::PEM_read_bio_X509(b.get(), nullptr, nullptr, nullptr) : ::d2i_X509_bio(b.get(), nullptr),
           &::X509_free};
  ::ERR_clear_error();
  return out;
}

std::string der(const X509& c) {
  unsigned char* bytes = nullptr;
  auto size = ::i2d_X509(&c, &bytes);
  if (size <= 0) return {};
  std::string out{reinterpret_cast<char*>(bytes), static_cast<size_t>(size)};
  OPENSSL_free(bytes);
  return out;
}

std::string der(const EVP_PKEY& k) {
  unsigned char* bytes = nullptr;
  auto size = ::i2d_PrivateKey(&k, &bytes);
  if (size <= 0) return {};
  std::string out{reinterpret_cast<char*>(bytes), static_cast<size_t>(size)};
  OPENSSL_free(bytes);
  return out;
}

/// OPC UA Part 6, 6.2.2: the URI in the certificate is who the client says that it is.
std::string uri_in(const X509& c) {
  std::string out = made_uri;
  auto* names = static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(&c, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const auto* n = sk_GENERAL_NAME_value(names, i);
    if (n->type != GEN_URI) continue;
    const auto* s = n->d.uniformResourceIdentifier;
    out.assign(reinterpret_cast<const char*>(::ASN1_STRING_get0_data(s)), static_cast<size_t>(::ASN1_STRING_length(s)));
    break;
  }
  ::GENERAL_NAMES_free(names);
  return out;
}

struct identity {
  std::string certificate, key, uri = made_uri;  ///< DER
  std::vector<std::string> trusted;
};

bool load_identity(const device::opcua_address& where, identity& out, std::string& why) {
  std::string bytes;
  if (!load(where.certificate, bytes, why)) return false;
  auto c = certificate_in(bytes);
  if (!c) return why = "configData.certificate: " + where.certificate + " is no certificate (DER or PEM)", false;
  out.certificate = der(*c);
  out.uri = uri_in(*c);
  if (!load(where.private_key, bytes, why)) return false;
  auto b = memory(bytes);
  auto pem = bytes.find("-----BEGIN") != std::string::npos;
  // A password for it is nowhere to be had: do not ask at a terminal.
  auto none = [](char*, int, int, void*) { return 0; };
  pkey k{pem ? ::PEM_read_bio_PrivateKey(b.get(), nullptr, none, nullptr) : ::d2i_PrivateKey_bio(b.get(), nullptr),
         &::EVP_PKEY_free};
  ::ERR_clear_error();
  if (!k)
    return why = "configData.privateKey: " + where.private_key + " is no key (DER or PEM, without a password)", false;
  if (::X509_check_private_key(c.get(), k.get()) != 1) {
    ::ERR_clear_error();
    return why = "configData.privateKey: " + where.private_key + " is not the key of " + where.certificate, false;
  }
  out.key = der(*k);
  return true;
}

bool load_trusted(const std::string& path, identity& out, std::string& why) {
  std::vector<std::string> files;
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    for (const auto& f : std::filesystem::directory_iterator{path, ec})
      if (files.size() < trusted_max && f.is_regular_file(ec)) files.push_back(f.path().string());
  } else {
    files.push_back(path);
  }
  std::string bytes;
  for (const auto& f : files)
    if (load(f, bytes, why))
      if (auto c = certificate_in(bytes)) out.trusted.push_back(der(*c));
  if (out.trusted.empty()) why = "configData.remoteCertificate: there is no certificate (DER or PEM) at " + path;
  return !out.trusted.empty();
}

/// A certificate that lasts as long as it is used: a server needs one to be told a password secretly.
bool make_identity(identity& out) {
  pkey k{::EVP_RSA_gen(2048), &::EVP_PKEY_free};
  x509 c{::X509_new(), &::X509_free};
  if (!k || !c) return false;
  ::X509_set_version(c.get(), 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(c.get()), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(c.get()), -3600);
  ::X509_gmtime_adj(::X509_getm_notAfter(c.get()), 10L * 365 * 24 * 3600);
  ::X509_set_pubkey(c.get(), k.get());
  auto* name = ::X509_get_subject_name(c.get());
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("skerry"), -1, -1, 0);
  ::X509_set_issuer_name(c.get(), name);
  for (auto [nid, value] : {std::pair{NID_subject_alt_name, "URI:urn:skerry:node"},
                            {NID_key_usage, "digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment"}})
    if (auto* e = ::X509V3_EXT_conf_nid(nullptr, nullptr, nid, value)) {
      ::X509_add_ext(c.get(), e, -1);
      ::X509_EXTENSION_free(e);
    }
  if (::X509_sign(c.get(), k.get(), ::EVP_sha256()) == 0) return false;
  out.certificate = der(*c);
  out.key = der(*k);
  return !out.certificate.empty() && !out.key.empty();
}

UA_ByteString view(const std::string& s) { return {s.size(), reinterpret_cast<UA_Byte*>(const_cast<char*>(s.data()))}; }

void set(UA_String& to, const std::string& s) {
  UA_String_clear(&to);
  to = UA_String_fromChars(s.c_str());
}

void say_nothing(void*, UA_LogLevel, UA_LogCategory, const char*, va_list) {}
UA_Logger quiet{say_nothing, nullptr, nullptr};

UA_StatusCode configure(UA_ClientConfig& cc, const device::opcua_address& where, const identity& me) {
  if (me.certificate.empty()) return UA_ClientConfig_setDefault(&cc);
  std::vector<UA_ByteString> trusted;
  for (const auto& t : me.trusted) trusted.push_back(view(t));
  auto status = UA_ClientConfig_setDefaultEncryption(&cc, view(me.certificate), view(me.key), trusted.data(),
                                                     trusted.size(), nullptr, 0);
  // On a channel without security a password is sent encrypted, or not at all.
  if (status != UA_STATUSCODE_GOOD || where.security != device::opcua_address::mode::none) return status;
  set(cc.authSecurityPolicyUri, "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256");
  return status;
}

}  // namespace

client_ptr make_client(const device::opcua_address& where, void* context, std::string& why) {
  using mode = device::opcua_address::mode;
  identity me;
  auto secure = where.security != mode::none;
  if (secure && (!load_identity(where, me, why) || !load_trusted(where.remote_certificate, me, why))) return nullptr;
  if (!secure && !where.user.empty() && !make_identity(me)) return why = "no key could be made", nullptr;
  UA_ClientConfig cc{};
  cc.logging = &quiet;
  auto status = configure(cc, where, me);
  if (status != UA_STATUSCODE_GOOD) {
    why = "the certificate and the private key cannot be used: " + name_of(status);
    UA_ClientConfig_clear(&cc);
    return nullptr;
  }
  set(cc.clientDescription.applicationUri, me.uri);
  set(cc.securityPolicyUri,
      std::string{"http://opcfoundation.org/UA/SecurityPolicy#"} + (secure ? "Basic256Sha256" : "None"));
  cc.securityMode = where.security == mode::none   ? UA_MESSAGESECURITYMODE_NONE
                    : where.security == mode::sign ? UA_MESSAGESECURITYMODE_SIGN
                                                   : UA_MESSAGESECURITYMODE_SIGNANDENCRYPT;
  if (!where.user.empty()) UA_ClientConfig_setAuthenticationUsername(&cc, where.user.c_str(), where.password.c_str());
  set(cc.sessionName, "skerry");
  cc.clientContext = context;
  cc.timeout = where.timeout_ms;
  cc.localConnectionConfig.localMaxMessageSize = message_bytes_max;
  cc.outStandingPublishRequests = 3;
  return client_ptr{UA_Client_newWithConfig(&cc)};
}

std::string connection_problem(const device::opcua_address& where, UA_StatusCode status) {
  auto out = "no session with " + where.url + ": " + name_of(status);
  switch (status) {
    case UA_STATUSCODE_BADCERTIFICATEUNTRUSTED:
    case UA_STATUSCODE_BADCERTIFICATEINVALID:
    case UA_STATUSCODE_BADCERTIFICATECHAININCOMPLETE:
    case UA_STATUSCODE_BADSECURITYCHECKSFAILED:
      return out +
             " (one side does not trust the other's certificate: look at remoteCertificate here, and at what the "
             "server trusts)";
    case UA_STATUSCODE_BADIDENTITYTOKENREJECTED:
    case UA_STATUSCODE_BADIDENTITYTOKENINVALID:
    case UA_STATUSCODE_BADUSERACCESSDENIED:
      return out + " (look at userName and password; where they are right, the server takes none this way)";
    case UA_STATUSCODE_BADSECURITYPOLICYREJECTED:
    case UA_STATUSCODE_BADSECURITYMODEREJECTED:
      return out + " (the server does not offer this securityMode and securityPolicy)";
    default:
      // Part 6, 6.7.4: who is not trusted need not be told so.
      if (where.security != device::opcua_address::mode::none)
        out += " (a server that does not trust the certificate of this node may end the connection without a word)";
      return out;
  }
}

}  // namespace skerry::drivers::opcua
