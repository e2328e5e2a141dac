#include "schema/kube/columns.hpp"

#include "schema/kube/fmt.hpp"
#include "schema/kube/selector.hpp"
#include "schema/kube/table.hpp"
#include "schema/kube/value.hpp"

namespace skerry::kube {
namespace {

constexpr const char* none = "<none>";

/// Adds `s` behind `separator`.
void join(std::string& out, std::string_view s, std::string_view separator = ",") {
  if (!out.empty()) out += separator;
  out += s;
}
json::value or_none(std::string s) { return s.empty() ? json::value(none) : json::value(s); }

json::value age(const json::value& o, std::string_view, int64_t now_ms) {
  return json::value(human_age(string_at(o, "metadata.creationTimestamp"), now_ms));
}

/// How many entries the maps and lists named have together.
json::value count(const json::value& o, std::string_view arguments, int64_t) {
  size_t n = 0;
  while (!arguments.empty()) {
    auto space = arguments.find(' ');
    if (const auto* v = find(o, arguments.substr(0, space)))
      n += v->is_object() ? v->get_object().size() : v->is_array() ? v->get_array().size() : 0;
    arguments = space == std::string_view::npos ? std::string_view{} : arguments.substr(space + 1);
  }
  return json::value(static_cast<int64_t>(n));
}

json::value labels(const json::value& o, std::string_view path, int64_t) {
  return or_none(label_selector::from_map(object_at(o, path)).to_string());
}

json::value selector(const json::value& o, std::string_view path, int64_t) {
  const auto* v = find(o, path);
  if (v == nullptr) return json::value(none);
  auto s = label_selector::from_object(*v);
  return s ? or_none(s->to_string()) : json::value("<error>");
}

json::value container_field(const json::value& o, std::string_view path, std::string_view field) {
  std::string out;
  for (const auto& c : array_at(o, std::string{path} + ".containers")) join(out, string_at(c, field));
  return json::value(out);
}
json::value containers(const json::value& o, std::string_view path, int64_t) {
  return container_field(o, path, "name");
}
json::value images(const json::value& o, std::string_view path, int64_t) { return container_field(o, path, "image"); }

json::value controller(const json::value& o, std::string_view, int64_t) {
  for (const auto& r : array_at(o, "metadata.ownerReferences"))
    if (bool_at(r, "controller")) {
      std::string kind{string_at(r, "kind")};
      for (auto& c : kind)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      std::string_view api = string_at(r, "apiVersion");
      auto slash = api.find('/');
      if (slash != std::string_view::npos) kind += "." + std::string{api.substr(0, slash)};
      return json::value(kind + "/" + std::string{string_at(r, "name")});
    }
  return json::value(none);
}

json::value deployment_ready(const json::value& o, std::string_view, int64_t) {
  return json::value(std::to_string(int_at(o, "status.readyReplicas")) + "/" +
                     std::to_string(int_at(o, "spec.replicas")));
}

json::value node_status(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& c : array_at(o, "status.conditions"))
    if (string_at(c, "type") == "Ready") join(out, string_at(c, "status") == "True" ? "Ready" : "NotReady");
  if (out.empty()) out = "Unknown";
  if (bool_at(o, "spec.unschedulable")) join(out, "SchedulingDisabled");
  return json::value(out);
}

json::value node_roles(const json::value& o, std::string_view, int64_t) {
  constexpr std::string_view prefix = "node-role.kubernetes.io/";
  std::vector<std::string_view> roles;
  for (const auto& kv : object_at(o, "metadata.labels")) {
    std::string_view key{kv.key().data(), kv.key().size()};
    if (key.substr(0, prefix.size()) == prefix && key.size() > prefix.size())
      roles.push_back(key.substr(prefix.size()));
    else if (key == "kubernetes.io/role" && kv.value().is_string())
      roles.push_back(text(kv.value().get_string()));
  }
  std::sort(roles.begin(), roles.end());
  std::string out;
  for (auto r : roles) join(out, r);
  return or_none(std::move(out));
}

json::value node_address(const json::value& o, std::string_view type, int64_t) {
  for (const auto& a : array_at(o, "status.addresses"))
    if (string_at(a, "type") == type) return json::value(string_at(a, "address"));
  return json::value(none);
}

json::value pod_ready(const json::value& o, std::string_view, int64_t) {
  size_t total = array_at(o, "spec.containers").size(), ready = 0;
  for (const auto& s : array_at(o, "status.containerStatuses"))
    if (bool_at(s, "ready") && find(s, "state.running") != nullptr) ++ready;
  // Restartable init containers (sidecars) count as containers.
  for (const auto& c : array_at(o, "spec.initContainers")) {
    if (string_at(c, "restartPolicy") != "Always") continue;
    ++total;
    for (const auto& s : array_at(o, "status.initContainerStatuses"))
      if (string_at(s, "name") == string_at(c, "name") && bool_at(s, "started") && bool_at(s, "ready")) ++ready;
  }
  return json::value(std::to_string(ready) + "/" + std::to_string(total));
}

json::value pod_status_cell(const json::value& o, std::string_view, int64_t) { return json::value(pod_status(o)); }

json::value pod_restarts(const json::value& o, std::string_view, int64_t now_ms) {
  int64_t restarts = 0;
  std::string_view last;
  for (std::string_view list : {"status.initContainerStatuses", "status.containerStatuses"})
    for (const auto& s : array_at(o, list)) {
      restarts += int_at(s, "restartCount");
      // Times in RFC 3339 and UTC sort as text.
      last = std::max(last, string_at(s, "lastState.terminated.finishedAt"));
    }
  auto out = std::to_string(restarts);
  if (restarts > 0 && !last.empty()) out += " (" + human_age(last, now_ms) + " ago)";
  return json::value(out);
}

json::value pod_gates(const json::value& o, std::string_view, int64_t) {
  const auto& gates = array_at(o, "spec.readinessGates");
  if (gates.empty()) return json::value(none);
  size_t ready = 0;
  for (const auto& g : gates)
    for (const auto& c : array_at(o, "status.conditions"))
      if (string_at(c, "type") == string_at(g, "conditionType") && string_at(c, "status") == "True") ++ready;
  return json::value(std::to_string(ready) + "/" + std::to_string(gates.size()));
}

json::value service_external_ip(const json::value& o, std::string_view, int64_t) {
  std::string out;
  auto type = string_at(o, "spec.type");
  if (type == "ExternalName") return json::value(string_at(o, "spec.externalName"));
  if (type == "LoadBalancer")
    for (const auto& i : array_at(o, "status.loadBalancer.ingress"))
      join(out, string_at(i, "ip", string_at(i, "hostname")));
  for (const auto& ip : array_at(o, "spec.externalIPs"))
    if (ip.is_string()) join(out, text(ip.get_string()));
  if (out.empty() && type == "LoadBalancer") return json::value("<pending>");
  return or_none(std::move(out));
}

json::value service_ports(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& p : array_at(o, "spec.ports")) {
    auto one = std::to_string(int_at(p, "port"));
    if (auto node = int_at(p, "nodePort"); node > 0) one += ":" + std::to_string(node);
    join(out, one + "/" + std::string{string_at(p, "protocol")});
  }
  return or_none(std::move(out));
}

/// The newest of what an event knows of its time.
std::string_view event_time(const json::value& o, std::initializer_list<std::string_view> paths) {
  for (auto p : paths)
    if (auto t = string_at(o, p); !t.empty()) return t;
  return {};
}
json::value event_last_seen(const json::value& o, std::string_view, int64_t now_ms) {
  return json::value(
      human_age(event_time(o, {"series.lastObservedTime", "lastTimestamp", "eventTime", "firstTimestamp"}), now_ms));
}
json::value event_first_seen(const json::value& o, std::string_view, int64_t now_ms) {
  return json::value(human_age(event_time(o, {"firstTimestamp", "eventTime"}), now_ms));
}
json::value event_object(const json::value& o, std::string_view, int64_t) {
  std::string kind{string_at(o, "involvedObject.kind")};
  for (auto& c : kind)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return json::value(kind + "/" + std::string{string_at(o, "involvedObject.name")});
}
json::value event_source(const json::value& o, std::string_view, int64_t) {
  std::string out{string_at(o, "source.component", string_at(o, "reportingComponent"))};
  auto host = string_at(o, "source.host");
  if (!host.empty()) join(out, host, ", ");
  return json::value(out);
}
json::value event_count(const json::value& o, std::string_view, int64_t) {
  return json::value(std::max<int64_t>(1, int_at(o, "series.count", int_at(o, "count", 1))));
}

json::value endpoints(const json::value& o, std::string_view, int64_t) {
  std::string out;
  size_t n = 0;
  for (const auto& s : array_at(o, "subsets"))
    for (const auto& a : array_at(s, "addresses")) {
      const auto& ports = array_at(s, "ports");
      std::string ip{string_at(a, "ip")};
      if (ports.empty() && ++n <= 3) join(out, ip);
      for (const auto& p : ports)
        if (++n <= 3) join(out, ip + ":" + std::to_string(int_at(p, "port")));
    }
  if (n > 3) out += " + " + std::to_string(n - 3) + " more...";
  return or_none(std::move(out));
}
json::value slice_ports(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& p : array_at(o, "ports"))
    join(out, find(p, "port") != nullptr ? std::to_string(int_at(p, "port")) : "*");
  return json::value(out.empty() ? "<unset>" : out);
}
json::value slice_endpoints(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& e : array_at(o, "endpoints"))
    for (const auto& a : array_at(e, "addresses"))
      if (a.is_string()) join(out, text(a.get_string()));
  return json::value(out.empty() ? "<unset>" : out);
}

json::value ingress_hosts(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& r : array_at(o, "spec.rules"))
    if (auto h = string_at(r, "host"); !h.empty()) join(out, h);
  return json::value(out.empty() ? "*" : out);
}
json::value ingress_address(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& i : array_at(o, "status.loadBalancer.ingress"))
    join(out, string_at(i, "ip", string_at(i, "hostname")));
  return json::value(out);
}
json::value ingress_ports(const json::value& o, std::string_view, int64_t) {
  return array_at(o, "spec.tls").empty() ? json::value("80") : json::value("80, 443");
}

json::value role_ref(const json::value& o, std::string_view, int64_t) {
  return json::value(std::string{string_at(o, "roleRef.kind")} + "/" + std::string{string_at(o, "roleRef.name")});
}
json::value subjects(const json::value& o, std::string_view kind, int64_t) {
  std::string out;
  for (const auto& s : array_at(o, "subjects"))
    if (string_at(s, "kind") == kind)
      join(out,
           kind == "ServiceAccount" ? std::string{string_at(s, "namespace")} + "/" + std::string{string_at(s, "name")}
                                    : std::string{string_at(s, "name")},
           ", ");
  return json::value(out);
}

/// How long ago the time at a path was; "<none>" if there is none.
json::value age_of(const json::value& o, std::string_view path, int64_t now_ms) {
  auto at = string_at(o, path);
  return at.empty() ? json::value(none) : json::value(human_age(at, now_ms));
}
/// The twins' reported values, "temperature=21.5,fan=on"; one of bad quality has a '!', one of uncertain a '?'.
json::value device_values(const json::value& o, std::string_view, int64_t) {
  std::string out;
  for (const auto& t : array_at(o, "status.twins")) {
    if (find(t, "reported.value") == nullptr) continue;
    auto quality = string_at(t, "reported.metadata.quality");
    join(out, string_at(t, "propertyName"));
    join(out, string_at(t, "reported.value"), "=");
    if (quality == "bad") out += '!';
    if (quality == "uncertain") out += '?';
  }
  return or_none(std::move(out));
}

struct entry {
  std::string_view name;
  column_function make;
};
constexpr entry functions[] = {
    {"age", age},
    {"age_of", age_of},
    {"containers", containers},
    {"controller", controller},
    {"count", count},
    {"deployment_ready", deployment_ready},
    {"device_values", device_values},
    {"endpoints", endpoints},
    {"event_count", event_count},
    {"event_first_seen", event_first_seen},
    {"event_last_seen", event_last_seen},
    {"event_object", event_object},
    {"event_source", event_source},
    {"images", images},
    {"ingress_address", ingress_address},
    {"ingress_hosts", ingress_hosts},
    {"ingress_ports", ingress_ports},
    {"labels", labels},
    {"node_address", node_address},
    {"node_roles", node_roles},
    {"node_status", node_status},
    {"pod_gates", pod_gates},
    {"pod_ready", pod_ready},
    {"pod_restarts", pod_restarts},
    {"pod_status", pod_status_cell},
    {"role_ref", role_ref},
    {"selector", selector},
    {"service_external_ip", service_external_ip},
    {"service_ports", service_ports},
    {"slice_endpoints", slice_endpoints},
    {"slice_ports", slice_ports},
    {"subjects", subjects},
};

}  // namespace

column_function find_column(std::string_view name) {
  for (const auto& f : functions)
    if (f.name == name) return f.make;
  return nullptr;
}

}  // namespace skerry::kube
