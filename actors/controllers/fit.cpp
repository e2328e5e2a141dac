#include "actors/controllers/fit.hpp"

#include <algorithm>
#include <charconv>

#include "actors/controllers/meta.hpp"
#include "schema/kube/quantity.hpp"

namespace skerry::controllers {

namespace {

constexpr std::string_view not_ready = "node.kubernetes.io/not-ready";
constexpr std::string_view unreachable = "node.kubernetes.io/unreachable";

std::string text_at(const json::value& v, std::string_view path, std::string_view otherwise = {}) {
  return std::string{string_at(v, path, otherwise)};
}

std::vector<node_state::owned>::iterator find_owner(std::vector<node_state::owned>& all, uint64_t owner) {
  return std::find_if(all.begin(), all.end(), [owner](const auto& o) { return o.owner == owner; });
}

bool number(std::string_view text, int64_t& n) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  return ec == std::errc{} && end == text.data() + text.size();
}

bool holds(const node_expression& e, const std::string* value) {
  auto among = [&] {
    return value != nullptr && std::find(e.values.begin(), e.values.end(), *value) != e.values.end();
  };
  if (e.op == "In") return among();
  if (e.op == "NotIn") return !among();
  if (e.op == "Exists") return value != nullptr;
  if (e.op == "DoesNotExist") return value == nullptr;
  int64_t have = 0, bound = 0;
  if (value == nullptr || e.values.size() != 1 || !number(*value, have) || !number(e.values[0], bound)) return false;
  return e.op == "Gt" ? have > bound : e.op == "Lt" && have < bound;
}

std::vector<node_expression> read_expressions(const json::value& term, std::string_view field) {
  std::vector<node_expression> out;
  for (const auto& e : array_at(term, field)) {
    node_expression x{text_at(e, "key"), text_at(e, "operator"), {}};
    for (const auto& v : array_at(e, "values"))
      if (v.is_string()) x.values.emplace_back(v.get_string());
    out.push_back(std::move(x));
  }
  return out;
}

node_term read_term(const json::value& term) {
  return {read_expressions(term, "matchExpressions"), read_expressions(term, "matchFields"), 0};
}

amounts needs_of(const json::value& container) {
  json::object all = object_at(container, "resources.limits");
  for (const auto& r : object_at(container, "resources.requests")) all[r.key()] = r.value();
  return read_amounts(all);
}

void read_ports(const json::value& container, bool host_network, std::vector<host_port>& out) {
  for (const auto& p : array_at(container, "ports")) {
    auto port = int_at(p, "hostPort", host_network ? int_at(p, "containerPort") : 0);
    if (port > 0) out.push_back({text_at(p, "hostIP"), text_at(p, "protocol", "TCP"), port});
  }
}

void read_containers(const json::value& pod, pod_request& r) {
  bool host_network = bool_at(pod, "spec.hostNetwork");
  for (const auto& c : array_at(pod, "spec.containers")) {
    r.needs.add(needs_of(c));
    read_ports(c, host_network, r.ports);
  }
  // Init containers run one after another; those that restart always (sidecars) stay beside all that follow.
  amounts sidecars, peak;
  for (const auto& c : array_at(pod, "spec.initContainers")) {
    auto n = needs_of(c);
    if (string_at(c, "restartPolicy") == "Always") {
      r.needs.add(n);
      sidecars.add(n);
      peak.raise_to(sidecars);
      read_ports(c, host_network, r.ports);
    } else {
      n.add(sidecars);
      peak.raise_to(n);
    }
  }
  r.needs.raise_to(peak);
  if (const auto* overhead = find(pod, "spec.overhead")) r.needs.add(read_amounts(*overhead));
  r.needs.pods = 1;
}

template <class F>
void for_each_shortage(const pod_request& r, const node_state& n, F&& report) {
  const auto &need = r.needs, &used = n.used, &have = n.allocatable;
  if (used.pods + need.pods > have.pods) report("Too many pods");
  if (need.cpu_milli > 0 && used.cpu_milli + need.cpu_milli > have.cpu_milli) report("Insufficient cpu");
  if (need.memory > 0 && used.memory + need.memory > have.memory) report("Insufficient memory");
  if (need.storage > 0 && used.storage + need.storage > have.storage) report("Insufficient ephemeral-storage");
  for (const auto& [name, amount] : need.extended) {
    auto u = used.extended.find(name);
    auto h = have.extended.find(name);
    if (amount > 0 && (u == used.extended.end() ? 0 : u->second) + amount > (h == have.extended.end() ? 0 : h->second))
      report("Insufficient " + name);
  }
}

}  // namespace

// -- amounts ----------------------------------------------------------------------------------------------------------

void amounts::add(const amounts& x) {
  cpu_milli += x.cpu_milli;
  memory += x.memory;
  storage += x.storage;
  pods += x.pods;
  for (const auto& [name, n] : x.extended) extended[name] += n;
}

void amounts::subtract(const amounts& x) {
  cpu_milli -= x.cpu_milli;
  memory -= x.memory;
  storage -= x.storage;
  pods -= x.pods;
  for (const auto& [name, n] : x.extended)
    if ((extended[name] -= n) == 0) extended.erase(name);
}

void amounts::raise_to(const amounts& x) {
  cpu_milli = std::max(cpu_milli, x.cpu_milli);
  memory = std::max(memory, x.memory);
  storage = std::max(storage, x.storage);
  pods = std::max(pods, x.pods);
  for (const auto& [name, n] : x.extended) extended[name] = std::max(extended[name], n);
}

amounts read_amounts(const json::value& list) {
  amounts out;
  const auto* o = list.if_object();
  if (o == nullptr) return out;
  for (const auto& entry : *o) {
    auto q = kube::quantity::from_json(entry.value());
    if (!q) continue;
    std::string_view name{entry.key().data(), entry.key().size()};
    if (name == "cpu")
      out.cpu_milli = q->milli();
    else if (name == "memory")
      out.memory = q->value();
    else if (name == "ephemeral-storage")
      out.storage = q->value();
    else if (name == "pods")
      out.pods = q->value();
    else
      out.extended[std::string{name}] = q->value();
  }
  return out;
}

// -- reading ----------------------------------------------------------------------------------------------------------

bool toleration::tolerates(const taint& t) const {
  if (!effect.empty() && effect != t.effect) return false;
  if (!key.empty() && key != t.key) return false;
  if (op == "Exists") return true;
  return !key.empty() && value == t.value;
}

bool host_port::clashes(const host_port& x) const {
  auto all = [](const std::string& a) { return a.empty() || a == "0.0.0.0" || a == "::"; };
  return port == x.port && protocol == x.protocol && (all(ip) || all(x.ip) || ip == x.ip);
}

pod_request read_request(const json::value& pod) {
  pod_request r;
  read_containers(pod, r);
  for (const auto& s : object_at(pod, "spec.nodeSelector"))
    if (s.value().is_string()) r.node_selector.emplace_back(s.key(), s.value().get_string());
  if (const auto* required = find(pod, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")) {
    r.has_required = true;
    for (const auto& t : array_at(*required, "nodeSelectorTerms")) r.required.push_back(read_term(t));
  }
  for (const auto& p : array_at(pod, "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"))
    if (const auto* t = find(p, "preference")) {
      r.preferred.push_back(read_term(*t));
      r.preferred.back().weight = int_at(p, "weight");
    }
  for (const auto& t : array_at(pod, "spec.tolerations"))
    r.tolerations.push_back(
        {text_at(t, "key"), text_at(t, "operator", "Equal"), text_at(t, "value"), text_at(t, "effect")});
  for (const auto& o : array_at(pod, "metadata.ownerReferences"))
    if (bool_at(o, "controller")) r.owner = std::hash<std::string_view>{}(string_at(o, "uid"));
  r.priority = int_at(pod, "spec.priority");
  return r;
}

bool read_node(const store::object& node, node_state& to) {
  auto value = store::parse(node);
  node_state n;
  for (auto l : (*node).getLabels()) n.labels.emplace(store::view_of(l.getKey()), store::view_of(l.getValue()));
  for (const auto& t : array_at(value, "spec.taints"))
    n.taints.push_back({text_at(t, "key"), text_at(t, "value"), text_at(t, "effect")});
  n.unschedulable = bool_at(value, "spec.unschedulable");
  const auto* ready = find_condition(array_at(value, "status.conditions"), "Ready");
  auto status = ready != nullptr ? string_at(*ready, "status") : std::string_view{"False"};
  if (status != "True") {
    // Until the node life cycle has tainted it, its condition counts as that taint.
    taint t{std::string{status == "Unknown" ? unreachable : not_ready}, "", "NoSchedule"};
    if (std::find(n.taints.begin(), n.taints.end(), t) == n.taints.end()) n.taints.push_back(std::move(t));
  }
  const auto* allocatable = find(value, "status.allocatable");
  if (allocatable == nullptr) allocatable = find(value, "status.capacity");
  if (allocatable != nullptr) n.allocatable = read_amounts(*allocatable);
  const auto &a = n.allocatable, &b = to.allocatable;
  bool same = to.present && n.labels == to.labels && n.taints == to.taints && n.unschedulable == to.unschedulable &&
              a.cpu_milli == b.cpu_milli && a.memory == b.memory && a.storage == b.storage && a.pods == b.pods &&
              a.extended == b.extended;
  to.name = store::name_of(node);
  to.present = true;
  to.labels = std::move(n.labels);
  to.taints = std::move(n.taints);
  to.unschedulable = n.unschedulable;
  to.allocatable = std::move(n.allocatable);
  return !same;
}

void node_state::take(const pod_request& r) {
  used.add(r.needs);
  ports.insert(ports.end(), r.ports.begin(), r.ports.end());
  if (r.owner == 0) return;
  auto o = find_owner(owners, r.owner);
  if (o == owners.end()) o = owners.insert(o, {r.owner, 0});
  ++o->pods;
}

void node_state::release(const pod_request& r) {
  used.subtract(r.needs);
  for (const auto& p : r.ports)
    if (auto i = std::find(ports.begin(), ports.end(), p); i != ports.end()) ports.erase(i);
  if (auto o = find_owner(owners, r.owner); o != owners.end() && --o->pods <= 0) owners.erase(o);
}

// -- fitting ----------------------------------------------------------------------------------------------------------

bool matches(const node_term& t, const node_state& n) {
  if (t.labels.empty() && t.fields.empty()) return false;
  for (const auto& e : t.labels) {
    auto l = n.labels.find(e.key);
    if (!holds(e, l == n.labels.end() ? nullptr : &l->second)) return false;
  }
  return std::all_of(t.fields.begin(), t.fields.end(),
                     [&](const node_expression& e) { return e.key == "metadata.name" && holds(e, &n.name); });
}

misfit check_fit(const pod_request& r, const node_state& n) {
  auto tolerated = [&](const taint& t) {
    return std::any_of(r.tolerations.begin(), r.tolerations.end(), [&](const toleration& x) { return x.tolerates(t); });
  };
  static const taint cordon{"node.kubernetes.io/unschedulable", "", "NoSchedule"};
  if (n.unschedulable && !tolerated(cordon)) return {misfit::unschedulable, nullptr};
  for (const auto& t : n.taints)
    if (t.effect != "PreferNoSchedule" && !tolerated(t)) return {misfit::tainted, &t};
  for (const auto& [key, value] : r.node_selector) {
    auto l = n.labels.find(key);
    if (l == n.labels.end() || l->second != value) return {misfit::not_selected, nullptr};
  }
  if (r.has_required &&
      std::none_of(r.required.begin(), r.required.end(), [&](const node_term& t) { return matches(t, n); }))
    return {misfit::not_selected, nullptr};
  for (const auto& mine : r.ports)
    for (const auto& taken : n.ports)
      if (mine.clashes(taken)) return {misfit::port_taken, nullptr};
  bool enough = true;
  for_each_shortage(r, n, [&](const auto&) { enough = false; });
  return {enough ? misfit::none : misfit::insufficient, nullptr};
}

void count_reasons(const pod_request& r, const node_state& n, const misfit& m,
                   std::map<std::string, int64_t>& reasons) {
  switch (m.what) {
    case misfit::none:
      return;
    case misfit::unschedulable:
      ++reasons["node(s) were unschedulable"];
      return;
    case misfit::tainted:
      ++reasons["node(s) had untolerated taint {" + m.because->key + ": " + m.because->value + "}"];
      return;
    case misfit::not_selected:
      ++reasons["node(s) didn't match Pod's node affinity/selector"];
      return;
    case misfit::port_taken:
      ++reasons["node(s) didn't have free ports for the requested pod ports"];
      return;
    case misfit::insufficient:
      for_each_shortage(r, n, [&](const std::string& s) { ++reasons[s]; });
  }
}

std::string fit_message(size_t nodes, const std::map<std::string, int64_t>& reasons) {
  if (nodes == 0) return "no nodes available to schedule pods";
  std::vector<std::string> parts;
  for (const auto& [reason, n] : reasons) parts.push_back(std::to_string(n) + " " + reason);
  std::sort(parts.begin(), parts.end());
  std::string out = "0/" + std::to_string(nodes) + " nodes are available: ";
  for (size_t i = 0; i < parts.size(); ++i) out += (i > 0 ? ", " : "") + parts[i];
  return out + ".";
}

}  // namespace skerry::controllers
