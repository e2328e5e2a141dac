#include "state.hpp"

#include <boost/json/serialize.hpp>
#include <schema/error.hpp>
#include <schema/json.hpp>

#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr const char* phases[] = {"making", "ready", "exited", "removing"};

phase phase_of(std::string_view text) {
  for (uint8_t i = 0; i < 4; ++i)
    if (text == phases[i]) return static_cast<phase>(i);
  return phase::making;
}

json::value strings(const std::vector<std::string>& list) {
  json::array out;
  for (auto& s : list) out.emplace_back(s);
  return out;
}

json::value map(const std::map<std::string, std::string>& m) {
  json::object out;
  for (auto& [k, v] : m) out[k] = v;
  return out;
}

std::vector<std::string> read_strings(const json::value& v, std::string_view path) {
  std::vector<std::string> out;
  for (auto& e : array_at(v, path))
    if (auto* s = e.if_string()) out.emplace_back(s->data(), s->size());
  return out;
}

std::map<std::string, std::string> read_map(const json::value& v, std::string_view path) {
  std::map<std::string, std::string> out;
  for (auto& e : object_at(v, path))
    if (auto* s = e.value().if_string()) out.emplace(std::string{e.key()}, std::string{s->data(), s->size()});
  return out;
}

caf::expected<json::value> parse(const std::string& text, const char* what) {
  std::string error;
  auto v = parse_json(text, error);
  if (!error.empty()) return make_error(errc::corrupt, std::string{what} + " does not parse: " + error);
  return v;
}

}  // namespace

std::string to_json(const sandbox_record& r) {
  json::array ports, aliases;
  for (auto& p : r.spec.ports)
    ports.push_back(json::object{{"containerPort", p.container_port},
                                 {"hostPort", p.host_port},
                                 {"protocol", p.protocol},
                                 {"hostIP", p.host_ip}});
  for (auto& [ip, names] : r.spec.host_aliases) aliases.push_back(json::object{{"ip", ip}, {"names", strings(names)}});
  return json::serialize(json::object{{"phase", phases[static_cast<int>(r.at)]},
                                      {"uid", r.spec.uid},
                                      {"namespace", r.spec.ns},
                                      {"name", r.spec.name},
                                      {"hostname", r.spec.hostname},
                                      {"hostNetwork", r.spec.host_network},
                                      {"ports", std::move(ports)},
                                      {"dnsServers", strings(r.spec.dns_servers)},
                                      {"dnsSearches", strings(r.spec.dns_searches)},
                                      {"dnsOptions", strings(r.spec.dns_options)},
                                      {"hostAliases", std::move(aliases)},
                                      {"sysctls", map(r.spec.sysctls)},
                                      {"labels", map(r.spec.labels)},
                                      {"ips", strings(r.ips)},
                                      {"cniResult", r.cni_result}});
}

caf::expected<sandbox_record> sandbox_from_json(const std::string& text) {
  auto v = parse(text, "sandbox.json");
  if (!v) return std::move(v.error());
  sandbox_record r;
  r.at = phase_of(string_at(*v, "phase"));
  r.spec.uid = string_at(*v, "uid");
  r.spec.ns = string_at(*v, "namespace");
  r.spec.name = string_at(*v, "name");
  r.spec.hostname = string_at(*v, "hostname");
  r.spec.host_network = bool_at(*v, "hostNetwork");
  for (auto& p : array_at(*v, "ports"))
    r.spec.ports.push_back({static_cast<uint16_t>(int_at(p, "containerPort")),
                            static_cast<uint16_t>(int_at(p, "hostPort")), std::string{string_at(p, "protocol")},
                            std::string{string_at(p, "hostIP")}});
  r.spec.dns_servers = read_strings(*v, "dnsServers");
  r.spec.dns_searches = read_strings(*v, "dnsSearches");
  r.spec.dns_options = read_strings(*v, "dnsOptions");
  for (auto& a : array_at(*v, "hostAliases"))
    r.spec.host_aliases.emplace_back(string_at(a, "ip"), read_strings(a, "names"));
  r.spec.sysctls = read_map(*v, "sysctls");
  r.spec.labels = read_map(*v, "labels");
  r.ips = read_strings(*v, "ips");
  r.cni_result = string_at(*v, "cniResult");
  return r;
}

std::string to_json(const container_record& r) {
  auto& s = r.state;
  return json::serialize(json::object{{"phase", phases[static_cast<int>(r.at)]},
                                      {"id", s.id},
                                      {"podUID", s.pod_uid},
                                      {"name", s.name},
                                      {"attempt", s.attempt},
                                      {"started", s.started_ms},
                                      {"finished", s.finished_ms},
                                      {"exitCode", s.exit_code},
                                      {"oomKilled", s.oom_killed},
                                      {"terminationMessage", s.termination_message},
                                      {"image", s.image},
                                      {"imageID", s.image_id},
                                      {"configDigest", r.config_digest},
                                      {"stopSignal", r.stop_signal},
                                      {"pid", s.pid},
                                      {"logPath", r.log_path},
                                      {"labels", map(s.labels)}});
}

caf::expected<container_record> container_from_json(const std::string& text) {
  auto v = parse(text, "container.json");
  if (!v) return std::move(v.error());
  container_record r;
  auto& s = r.state;
  r.at = phase_of(string_at(*v, "phase"));
  s.id = string_at(*v, "id");
  s.pod_uid = string_at(*v, "podUID");
  s.name = string_at(*v, "name");
  s.attempt = static_cast<uint32_t>(int_at(*v, "attempt"));
  s.started_ms = int_at(*v, "started");
  s.finished_ms = int_at(*v, "finished");
  s.exit_code = static_cast<int>(int_at(*v, "exitCode"));
  s.oom_killed = bool_at(*v, "oomKilled");
  s.termination_message = string_at(*v, "terminationMessage");
  s.image = string_at(*v, "image");
  s.image_id = string_at(*v, "imageID");
  r.config_digest = string_at(*v, "configDigest");
  r.stop_signal = string_at(*v, "stopSignal");
  s.pid = int_at(*v, "pid");
  r.log_path = string_at(*v, "logPath");
  s.labels = read_map(*v, "labels");
  s.phase = r.at == phase::exited  ? ports::container_phase::exited
            : r.at == phase::ready ? ports::container_phase::running
                                   : ports::container_phase::created;
  return r;
}

std::string container_id(const std::string& pod_uid, const std::string& name, uint32_t attempt) {
  return sha256_hex(pod_uid + "/" + name + "/" + std::to_string(attempt));
}

}  // namespace skerry::drivers::oci
