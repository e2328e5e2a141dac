#include "network.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <boost/json/serialize.hpp>
#include <schema/error.hpp>
#include <schema/json.hpp>
#include <set>

#include "fs.hpp"
#include "process.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr const char* cni_version = "0.4.0";

std::string lower(std::string s) {
  for (auto& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return s;
}

std::string text_of(const sockaddr_in& a) {
  char out[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &a.sin_addr, out, sizeof out);
  return out;
}

}  // namespace

std::string network::bridge_configuration() const {
  json::object ipam{{"type", "host-local"},
                    {"dataDir", o_.run_dir + "/ipam"},
                    {"ranges", json::array{json::array{json::object{{"subnet", o_.pod_cidr}}}}},
                    {"routes", json::array{json::object{{"dst", "0.0.0.0/0"}}}}};
  return json::serialize(json::object{{"cniVersion", cni_version},
                                      {"name", o_.bridge},
                                      {"type", "bridge"},
                                      {"bridge", o_.bridge},
                                      {"isGateway", true},
                                      {"ipMasq", false},
                                      {"hairpinMode", true},
                                      {"ipam", std::move(ipam)}});
}

std::string network::portmap_configuration(const std::vector<ports::port_mapping>& ports,
                                           const std::string& result) const {
  json::array mappings;
  for (auto& p : ports) {
    json::object m{{"hostPort", p.host_port}, {"containerPort", p.container_port}, {"protocol", lower(p.protocol)}};
    if (!p.host_ip.empty() && p.host_ip != "0.0.0.0") m["hostIP"] = p.host_ip;
    mappings.push_back(std::move(m));
  }
  json::object out{{"cniVersion", cni_version},
                   {"name", o_.bridge},
                   {"type", "portmap"},
                   {"snat", true},
                   {"capabilities", json::object{{"portMappings", true}}},
                   {"runtimeConfig", json::object{{"portMappings", std::move(mappings)}}}};
  std::string error;
  if (!result.empty())
    if (auto v = parse_json(result, error); error.empty()) out["prevResult"] = std::move(v);
  return json::serialize(out);
}

caf::expected<std::string> network::plugin(const std::string& type, const char* verb, const std::string& uid,
                                           const std::string& netns, std::string configuration) {
  command c;
  c.arguments = {o_.cni_dir + "/" + type};
  c.environment = {std::string{"CNI_COMMAND="} + verb,
                   "CNI_CONTAINERID=" + uid,
                   "CNI_NETNS=" + netns,
                   "CNI_IFNAME=eth0",
                   "CNI_PATH=" + o_.cni_dir,
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                   "GOMAXPROCS=1"};
  c.input = std::move(configuration);
  auto r = run(c, o_.step_ms_max);
  if (!r) return std::move(r.error());
  if (r->ok()) return std::move(r->output);
  // A plugin says its error as JSON on stdout (specification, "Error").
  std::string error;
  auto v = parse_json(r->output, error);
  auto text = error.empty() ? std::string{string_at(v, "msg")} : r->output;
  if (auto details = string_at(v, "details"); error.empty() && !details.empty()) text += ": " + std::string{details};
  auto what = "CNI plugin " + type + ", " + verb + " for pod " + uid + ": ";
  if (r->timed_out)
    return make_error(errc::timed_out, what + "not done within " + std::to_string(o_.step_ms_max) + " ms");
  bool full = text.find("no IP addresses available") != std::string::npos;
  return make_error(full ? errc::full : errc::internal, what + text);
}

std::vector<std::vector<std::string>> network::rules() const {
  auto note = "skerry " + o_.bridge;
  return {{"nat", "POSTROUTING", "-s", o_.pod_cidr, "!", "-d", o_.pod_cidr, "-m", "comment", "--comment", note, "-j",
           "MASQUERADE"},
          {"filter", "FORWARD", "-i", o_.bridge, "-m", "comment", "--comment", note, "-j", "ACCEPT"},
          {"filter", "FORWARD", "-o", o_.bridge, "-m", "comment", "--comment", note, "-j", "ACCEPT"}};
}

bool network::rule(const char* verb, const std::vector<std::string>& rule) {
  command c;
  c.arguments = {find_program("iptables"), "-w", "10", "-t", rule[0], verb};
  c.arguments.insert(c.arguments.end(), rule.begin() + 1, rule.end());
  c.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  auto r = run(c, o_.step_ms_max, 1024);
  bool ok = r && r->ok();
  if (!ok && verb[1] == 'I')
    log_.warning("oci/network",
                 "pods may not reach other networks: iptables: " + (r ? r->output : message_of(r.error())));
  return ok;
}

caf::expected<void> network::prepare() {
  std::lock_guard guard{mutex_};
  if (prepared_) return caf::unit;
  if (auto r = make_directories(o_.run_dir + "/ipam"); !r) return r;
  for (auto& r : rules())
    if (!rule("-C", r)) rule("-I", r);
  prepared_ = true;
  return caf::unit;
}

caf::expected<network::attachment> network::attach(const std::string& uid, const std::string& netns,
                                                   const std::vector<ports::port_mapping>& ports) {
  if (auto r = prepare(); !r) return std::move(r.error());
  auto result = plugin("bridge", "ADD", uid, netns, bridge_configuration());
  if (!result) return std::move(result.error());
  attachment out;
  std::string error;
  auto v = parse_json(*result, error);
  for (auto& ip : array_at(v, "ips")) {
    auto address = string_at(ip, "address");
    out.ips.emplace_back(address.substr(0, address.find('/')));
  }
  if (out.ips.empty())
    return make_error(errc::internal, "CNI plugin bridge gave pod " + uid + " no address: " + *result);
  out.result = json::serialize(v);
  if (!ports.empty())
    if (auto r = plugin("portmap", "ADD", uid, netns, portmap_configuration(ports, out.result)); !r)
      return std::move(r.error());
  return out;
}

caf::expected<void> network::detach(const std::string& uid, const std::string& netns,
                                    const std::vector<ports::port_mapping>& ports, const std::string& result) {
  caf::expected<void> out{caf::unit};
  if (!ports.empty())
    if (auto r = plugin("portmap", "DEL", uid, netns, portmap_configuration(ports, result)); !r)
      out = std::move(r.error());
  // With no namespace to enter, only the address is given back; the kernel has removed the rest with the namespace.
  auto place = holds_namespace(netns) ? netns : std::string{};
  if (auto r = plugin("bridge", "DEL", uid, place, bridge_configuration()); !r) out = std::move(r.error());
  return out;
}

std::vector<std::string> network::holders() const {
  std::set<std::string> out;
  auto directory = o_.run_dir + "/ipam/" + o_.bridge;
  for (auto& name : names_in(directory)) {
    if (name.find_first_not_of("0123456789.") != std::string::npos) continue;
    auto text = read_file(directory + "/" + name, 1024);
    if (text) out.insert(text->substr(0, text->find_first_of("\r\n")));
  }
  return {out.begin(), out.end()};
}

void network::remove_all() {
  std::lock_guard guard{mutex_};
  for (auto& r : rules())
    for (int i = 0; i < 8 && rule("-D", r); ++i) {
    }
  command c;
  c.arguments = {find_program("ip"), "link", "delete", o_.bridge};
  if (!c.arguments[0].empty()) (void)run(c, o_.step_ms_max, 1024);
  prepared_ = false;
}

std::string network::host_address() {
  descriptor fd{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(9);
  there.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1 (RFC 5737): only the route is looked up, nothing is sent
  sockaddr_in here{};
  socklen_t size = sizeof here;
  if (fd && connect(fd.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0 &&
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&here), &size) == 0)
    return text_of(here);
  std::string out = "127.0.0.1";
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return out;
  for (auto* i = all; i; i = i->ifa_next)
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK) && (i->ifa_flags & IFF_UP)) {
      out = text_of(*reinterpret_cast<sockaddr_in*>(i->ifa_addr));
      break;
    }
  freeifaddrs(all);
  return out;
}

}  // namespace skerry::drivers::oci
