#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>

#include "schema/error.hpp"
#include "tools/skerry/data_dir.hpp"

namespace skerry::tools {
namespace {

constexpr int authority_days = 3650;
constexpr int leaf_days = 365;
constexpr int64_t renew_before_ms = 30LL * 24 * 3600 * 1000;

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  auto n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                           reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

std::string random_hex(size_t bytes) {
  std::string raw(bytes, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(bytes));
  std::string out;
  for (unsigned char c : raw) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", c);
    out += two;
  }
  return out;
}

std::string host_part(const std::string& listen) {
  auto colon = listen.rfind(':');
  auto host = listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

bool is_wildcard(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

/// Every address of this machine: what a client may dial when the cloud listens on all of them.
void add_interface_addresses(std::vector<std::string>& hosts) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return;
  for (auto* i = list; i != nullptr; i = i->ifa_next) {
    char text[INET6_ADDRSTRLEN] = {};
    if (i->ifa_addr == nullptr) continue;
    if (i->ifa_addr->sa_family == AF_INET) {
      ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr, text, sizeof text);
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      auto& a = reinterpret_cast<sockaddr_in6*>(i->ifa_addr)->sin6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&a)) continue;
      ::inet_ntop(AF_INET6, &a, text, sizeof text);
    }
    if (text[0] != 0) hosts.emplace_back(text);
  }
  ::freeifaddrs(list);
}

std::vector<std::string> server_hosts(const std::string& listen, const std::vector<std::string>& names) {
  std::vector<std::string> hosts{"localhost",  "127.0.0.1",          "::1",
                                 "kubernetes", "kubernetes.default", "kubernetes.default.svc"};
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0 && name[0] != 0) hosts.emplace_back(name);
  if (is_wildcard(host_part(listen))) {
    add_interface_addresses(hosts);
  } else {
    hosts.push_back(host_part(listen));
  }
  hosts.insert(hosts.end(), names.begin(), names.end());
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

caf::expected<ports::key_pair> load_pair(const std::string& stem) {
  auto certificate = read_file(stem + ".crt");
  if (!certificate) return certificate.error();
  auto key = read_file(stem + ".key");
  if (!key) return key.error();
  return ports::key_pair{*certificate, *key};
}

caf::expected<void> save_pair(const std::string& stem, const ports::key_pair& pair) {
  if (auto r = write_file(stem + ".key", pair.key_pem, 0600); !r) return r;
  return write_file(stem + ".crt", pair.certificate_pem, 0644);
}

/// The pair at `stem`, or a new one when there is none, it ends soon, or its names are not `names` any more.
caf::expected<ports::key_pair> open_leaf(ports::pki& pki, const ports::key_pair& authority, const std::string& stem,
                                         const ports::certificate_names& names, int64_t now_ms) {
  std::string wanted;
  for (const auto& h : names.hosts) wanted += h + "\n";
  auto known = read_file(stem + ".names");
  if (auto pair = load_pair(stem); pair && known && *known == wanted) {
    auto end = pki.expires_ms(pair->certificate_pem);
    if (end && *end - now_ms > renew_before_ms) return pair;
  }
  auto pair = pki.issue(authority, names, leaf_days);
  if (!pair) return pair.error();
  if (auto r = save_pair(stem, *pair); !r) return r.error();
  if (auto r = write_file(stem + ".names", wanted, 0644); !r) return r.error();
  return pair;
}

caf::expected<void> write_kubeconfig(const std::string& path, const std::string& listen, const cloud_identity& id) {
  auto host = host_part(listen);
  auto port = listen.substr(listen.rfind(':') + 1);
  if (is_wildcard(host)) host = "127.0.0.1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  auto text =
      "apiVersion: v1\nkind: Config\nclusters:\n- name: skerry\n  cluster:\n    server: https://" + host + ":" + port +
      "\n    certificate-authority-data: " + base64(id.authority.certificate_pem) +
      "\nusers:\n- name: admin\n  user:\n    client-certificate-data: " + base64(id.admin.certificate_pem) +
      "\n    client-key-data: " + base64(id.admin.key_pem) +
      "\ncontexts:\n- name: skerry\n  context:\n    cluster: skerry\n    user: admin\ncurrent-context: skerry\n";
  return write_file(path, text, 0600);
}

}  // namespace

caf::expected<cloud_identity> open_identity(ports::pki& pki, const std::string& data_dir, const std::string& listen,
                                            const std::vector<std::string>& names, int64_t now_ms) {
  auto dir = data_dir + "/pki";
  if (auto r = make_private_directory(dir); !r) return r.error();
  cloud_identity id;
  if (auto pair = load_pair(dir + "/ca")) {
    id.authority = *pair;
  } else {
    if (code_of(pair.error()) != errc::not_found) return pair.error();
    auto made = pki.make_authority("skerry-ca", authority_days);
    if (!made) return made.error();
    if (auto r = save_pair(dir + "/ca", *made); !r) return r.error();
    id.authority = *made;
  }
  auto server =
      open_leaf(pki, id.authority, dir + "/server", {"skerry", {}, server_hosts(listen, names), true}, now_ms);
  if (!server) return server.error();
  auto admin = open_leaf(pki, id.authority, dir + "/admin", {"skerry-admin", {"system:masters"}, {}, false}, now_ms);
  if (!admin) return admin.error();
  id.server = *server;
  id.admin = *admin;
  if (auto token = read_file(dir + "/admin.token")) {
    id.admin_token = *token;
  } else {
    id.admin_token = random_hex(24);
    if (auto r = write_file(dir + "/admin.token", id.admin_token, 0600); !r) return r.error();
  }
  auto print = pki.fingerprint(id.authority.certificate_pem);
  if (!print) return print.error();
  id.ca_fingerprint = *print;
  if (auto r = write_kubeconfig(data_dir + "/admin.kubeconfig", listen, id); !r) return r.error();
  return id;
}

}  // namespace skerry::tools
