#include "actors/pod/pod_spec.hpp"

#include <algorithm>
#include <cstdio>

#include "actors/pod/parse.hpp"
#include "schema/error.hpp"
#include "schema/kube/quantity.hpp"

namespace skerry::pod {

std::string kind_of(const config_key& key) { return key.secret ? "secret" : "configmap"; }

const char* to_string(qos_class q) {
  switch (q) {
    case qos_class::guaranteed:
      return "Guaranteed";
    case qos_class::burstable:
      return "Burstable";
    case qos_class::best_effort:
      break;
  }
  return "BestEffort";
}

std::string hash_of(const container_def& c) {
  uint64_t h = 14695981039346656037ULL;  // FNV-1a
  for (auto text : {&c.name, &c.image}) {
    for (unsigned char x : *text) h = (h ^ x) * 1099511628211ULL;
    h = (h ^ 0xff) * 1099511628211ULL;
  }
  char out[20];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(h));
  return out;
}

const volume_def* pod_spec::volume(std::string_view volume_name) const {
  for (auto& v : volumes)
    if (v.name == volume_name) return &v;
  return nullptr;
}

namespace {

/// PodQOSClass over cpu and memory (kubernetes/pkg/apis/core/v1/helper/qos): Guaranteed when every container limits
/// both and requests what it limits; BestEffort when nothing is asked at all.
qos_class qos_of(const pod_spec& p) {
  bool any = false, guaranteed = true;
  for (auto& c : p.containers) {
    for (auto [request, limit] : {std::pair{c.requests.cpu_milli, c.limits.cpu_milli},
                                  std::pair{c.requests.memory_bytes, c.limits.memory_bytes}}) {
      if (request > 0 || limit > 0) any = true;
      if (limit <= 0 || (request >= 0 && request != limit)) guaranteed = false;
    }
  }
  return !any ? qos_class::best_effort : guaranteed ? qos_class::guaranteed : qos_class::burstable;
}

void collect_configs(pod_spec& p) {
  for (auto& c : p.containers) {
    for (auto& e : c.env)
      if (e.source == env_var::from::config) p.configs.insert(e.config);
    for (auto& e : c.env_from_all) p.configs.insert(e.config);
  }
  for (auto& v : p.volumes)
    for (auto& part : v.parts)
      if (part.what == volume_part::kind::config) p.configs.insert(part.config);
}

void parse_network(pod_spec& p, const json::value& spec) {
  p.host_network = bool_at(spec, "hostNetwork");
  p.hostname = string_at(spec, "hostname");
  p.subdomain = string_at(spec, "subdomain");
  p.dns_policy = string_at(spec, "dnsPolicy", "ClusterFirst");
  p.dns_servers = strings(array_at(spec, "dnsConfig.nameservers"));
  p.dns_searches = strings(array_at(spec, "dnsConfig.searches"));
  for (auto& o : array_at(spec, "dnsConfig.options")) {
    std::string text{string_at(o, "name")};
    if (auto v = string_at(o, "value"); !v.empty()) text += ":" + std::string{v};
    p.dns_options.push_back(std::move(text));
  }
  for (auto& a : array_at(spec, "hostAliases"))
    p.host_aliases.emplace_back(string_at(a, "ip"), strings(array_at(a, "hostnames")));
  for (auto& s : array_at(spec, "securityContext.sysctls"))
    p.sysctls.emplace(string_at(s, "name"), string_at(s, "value"));
}

void parse_groups(pod_spec& p, const json::value& spec) {
  for (auto& g : array_at(spec, "securityContext.supplementalGroups"))
    if (g.is_int64()) p.supplemental_groups.push_back(static_cast<uint32_t>(g.get_int64()));
  if (find(spec, "securityContext.fsGroup") == nullptr) return;
  p.fs_group = static_cast<uint32_t>(int_at(spec, "securityContext.fsGroup"));
  p.supplemental_groups.push_back(*p.fs_group);
}

void parse_status(pod_spec& p, const json::value& pod) {
  auto& conditions = array_at(pod, "status.conditions");
  auto is_true = [&](std::string_view type) {
    return std::any_of(conditions.begin(), conditions.end(),
                       [&](auto& c) { return string_at(c, "type") == type && string_at(c, "status") == "True"; });
  };
  for (auto& c : conditions)
    if (string_at(c, "type") == "PodScheduled")
      p.scheduled_ms = parse_time(string_at(c, "lastTransitionTime")).value_or(0);
  for (auto& g : array_at(pod, "spec.readinessGates")) {
    std::string type{string_at(g, "conditionType")};
    p.readiness_gates.emplace_back(type, is_true(type));
  }
}

}  // namespace

caf::expected<pod_spec> parse_pod(const json::value& pod) {
  pod_spec p;
  p.uid = string_at(pod, "metadata.uid");
  p.ns = string_at(pod, "metadata.namespace", "default");
  p.name = string_at(pod, "metadata.name");
  const auto* spec = find(pod, "spec");
  if (p.uid.empty() || p.name.empty() || spec == nullptr)
    return make_error(errc::invalid, "pod " + p.ns + "/" + p.name + " has no uid, name or spec: it is not run");
  p.labels = string_map(object_at(pod, "metadata.labels"));
  p.annotations = string_map(object_at(pod, "metadata.annotations"));
  p.generation = int_at(pod, "metadata.generation");
  p.deleting = !string_at(pod, "metadata.deletionTimestamp").empty();
  p.grace_s = int_at(*spec, "terminationGracePeriodSeconds", 30);
  if (p.deleting) p.grace_s = int_at(pod, "metadata.deletionGracePeriodSeconds", p.grace_s);
  p.grace_s = std::max<int64_t>(p.grace_s, 0);
  p.node = string_at(*spec, "nodeName");
  p.service_account = string_at(*spec, "serviceAccountName", "default");
  auto policy = string_at(*spec, "restartPolicy", "Always");
  p.restart = policy == "Never"       ? restart_policy::never
              : policy == "OnFailure" ? restart_policy::on_failure
                                      : restart_policy::always;
  if (find(*spec, "activeDeadlineSeconds") != nullptr) p.active_deadline_s = int_at(*spec, "activeDeadlineSeconds");
  parse_network(p, *spec);
  parse_groups(p, *spec);
  for (auto& c : array_at(*spec, "initContainers")) p.containers.push_back(parse_container(c, *spec, true));
  p.init_count = p.containers.size();
  for (auto& c : array_at(*spec, "containers")) p.containers.push_back(parse_container(c, *spec, false));
  if (p.containers.size() == p.init_count)
    return make_error(errc::invalid, "pod " + p.ns + "/" + p.name + " has no containers: it is not run");
  for (auto& v : array_at(*spec, "volumes")) p.volumes.push_back(parse_volume(v));
  p.qos = qos_of(p);
  collect_configs(p);
  parse_status(p, pod);
  return p;
}

pod_spec orphan_spec(const ports::sandbox_spec& sandbox, const std::vector<ports::container_state>& containers) {
  pod_spec p;
  p.uid = sandbox.uid;
  p.ns = sandbox.ns;
  p.name = sandbox.name;
  p.deleting = true;
  p.host_network = sandbox.host_network;
  if (auto i = sandbox.labels.find(label_grace); i != sandbox.labels.end())
    p.grace_s = std::clamp<int64_t>(std::atoll(i->second.c_str()), 0, 3600);
  for (auto& state : containers) {
    auto same = [&](auto& c) { return c.name == state.name; };
    if (std::any_of(p.containers.begin(), p.containers.end(), same)) continue;
    container_def c;
    c.name = state.name;
    c.image = state.image;
    p.containers.push_back(std::move(c));
  }
  return p;
}

}  // namespace skerry::pod
