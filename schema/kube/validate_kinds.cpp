#include <functional>

#include "schema/kube/checker.hpp"
#include "schema/kube/equal.hpp"
#include "schema/kube/quantity.hpp"
#include "schema/kube/selector.hpp"

namespace skerry::kube {
namespace {

constexpr size_t data_bytes_max = 1024 * 1024;

const json::object& no_object() {
  static const json::object none;
  return none;
}

const json::object& object_or_none(const json::object& o, std::string_view key) {
  const auto* x = object_in(o, key);
  return x != nullptr ? *x : no_object();
}

/// Says what a missing spec lacks, as if it were there and empty.
const json::object& spec_of(checker& c, const resource_info& info, const json::object& o, const step& at) {
  const auto* spec = object_in(o, "spec");
  if (spec != nullptr) return *spec;
  const auto* f = info.type->find("spec");
  if (f != nullptr && f->type != nullptr) check_required(c, *f->type, no_object(), at);
  return no_object();
}

void check_pod(checker& c, const resource_info& info, const json::object* before, const json::object& o) {
  step root{};
  auto at = root / "spec";
  const auto& spec = spec_of(c, info, o, at);
  check_pod_spec(c, spec, at);
  if (before != nullptr) check_pod_update(c, object_or_none(*before, "spec"), spec, at);
}

/// Checks selector and template of a workload; `what` names it in messages.
void check_workload(checker& c, const json::object* before, const json::object& spec, const step& at,
                    std::string_view what) {
  c.at_least_zero(spec, at, "replicas");
  c.at_least_zero(spec, at, "minReadySeconds");
  const auto* selector = object_in(spec, "selector");
  auto selector_at = at / "selector";
  bool empty = selector == nullptr ||
               (object_or_none(*selector, "matchLabels").empty() && array_in(*selector, "matchExpressions") == nullptr);
  if (selector != nullptr) {
    c.selector(selector_at, *selector);
    if (empty) c.invalid(selector_at, json::value(*selector), "empty selector is invalid for " + std::string{what});
  }
  const auto* pod = object_in(spec, "template");
  if (pod == nullptr) return;
  auto pod_at = at / "template";
  auto meta_at = pod_at / "metadata";
  const auto& meta = object_or_none(*pod, "metadata");
  const auto& labels = object_or_none(meta, "labels");
  c.labels(meta_at / "labels", labels);
  if (!empty) {
    auto parsed = label_selector::from_object(*member(spec, "selector"));
    if (parsed && !parsed->matches(labels))
      c.invalid(meta_at / "labels", json::value(labels), "`selector` does not match template `labels`");
  }
  auto spec_at = pod_at / "spec";
  const auto* pod_spec = object_in(*pod, "spec");
  if (pod_spec == nullptr) {
    auto containers_at = spec_at / "containers";
    c.required(containers_at);
  } else {
    check_pod_spec(c, *pod_spec, spec_at);
    if (auto policy = text_in(*pod_spec, "restartPolicy"); !policy.empty() && policy != "Always")
      c.not_supported(spec_at / "restartPolicy", policy, {"Always"});
    if (member(*pod_spec, "activeDeadlineSeconds") != nullptr)
      c.forbidden(spec_at / "activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported");
  }
  if (before == nullptr) return;
  const auto& old = object_or_none(*before, "spec");
  if (!equal(object_or_none(old, "selector"), object_or_none(spec, "selector")))
    c.invalid(selector_at, json::value(object_or_none(spec, "selector")), immutable);
}

/// Checks an integer at least 0 or "N%"; returns its number, -1 if it is none.
int64_t check_int_or_percent(checker& c, const json::object& o, const step& at, std::string_view key) {
  const auto* v = member(o, key);
  if (v == nullptr) return -1;
  auto n = int_or_percent(*v, 100, true);
  if (!n) {
    c.invalid(at / key, *v,
              "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
              "used for validation is "
              "'[0-9]+%')");
    return -1;
  }
  if (*n < 0) c.invalid(at / key, *v, not_negative);
  return *n;
}

void check_strategy(checker& c, const json::object& spec, const step& at) {
  const auto* strategy = object_in(spec, "strategy");
  if (strategy == nullptr) return;
  auto here = at / "strategy";
  c.one_of(*strategy, here, "type", {"Recreate", "RollingUpdate"});
  const auto* rolling = object_in(*strategy, "rollingUpdate");
  auto rolling_at = here / "rollingUpdate";
  if (text_in(*strategy, "type") == "Recreate") {
    if (rolling != nullptr) c.forbidden(rolling_at, "may not be specified when strategy `type` is 'Recreate'");
    return;
  }
  if (rolling == nullptr) return;
  auto unavailable = check_int_or_percent(c, *rolling, rolling_at, "maxUnavailable");
  auto surge = check_int_or_percent(c, *rolling, rolling_at, "maxSurge");
  const auto* v = member(*rolling, "maxUnavailable");
  if (unavailable == 0 && surge == 0) c.invalid(rolling_at / "maxUnavailable", *v, "may not be 0 when `maxSurge` is 0");
  if (v != nullptr && v->is_string() && unavailable > 100)
    c.invalid(rolling_at / "maxUnavailable", *v, "must not be greater than 100%");
}

void check_deployment(checker& c, const resource_info& info, const json::object* before, const json::object& o) {
  step root{};
  auto at = root / "spec";
  const auto& spec = spec_of(c, info, o, at);
  check_workload(c, before, spec, at, "deployment");
  check_strategy(c, spec, at);
  c.at_least_zero(spec, at, "revisionHistoryLimit");
  c.at_least_zero(spec, at, "progressDeadlineSeconds");
  const auto* deadline = member(spec, "progressDeadlineSeconds");
  if (deadline != nullptr && integer(*deadline).value_or(0) >= 0 &&
      integer(*deadline).value_or(0) <= integer_in(spec, "minReadySeconds"))
    c.invalid(at / "progressDeadlineSeconds", *deadline, "must be greater than minReadySeconds");
}

void check_replica_set(checker& c, const resource_info& info, const json::object* before, const json::object& o) {
  step root{};
  auto at = root / "spec";
  check_workload(c, before, spec_of(c, info, o, at), at, "replicaset");
}

void check_service_ports(checker& c, const json::array& ports, const step& at) {
  std::unordered_set<std::string_view> taken;
  std::unordered_set<std::string> numbers;
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto* p = ports[i].if_object();
    if (p == nullptr) continue;
    auto here = at[i];
    auto name = text_in(*p, "name");
    if (name.empty()) {
      if (ports.size() > 1) c.required(here / "name");
    } else {
      c.dns_label(here / "name", name);
      if (!taken.insert(name).second) c.duplicate(here / "name", name);
    }
    if (const auto* v = member(*p, "port")) c.port(here / "port", integer(*v).value_or(0));
    c.one_of(*p, here, "protocol", {"SCTP", "TCP", "UDP"});
    if (const auto* v = member(*p, "targetPort")) c.port_or_name(here / "targetPort", *v);
    c.between(*p, here, "nodePort", 0, 65535);
    auto key = std::string{text_in(*p, "protocol")} + "/" + std::to_string(integer_in(*p, "port"));
    if (!numbers.insert(key).second) c.duplicate(here, key);
  }
}

void check_service(checker& c, const resource_info& info, const json::object* before, const json::object& o) {
  step root{};
  auto at = root / "spec";
  const auto& spec = spec_of(c, info, o, at);
  c.one_of(spec, at, "type", {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  c.one_of(spec, at, "sessionAffinity", {"ClientIP", "None"});
  auto type = text_in(spec, "type"), address = text_in(spec, "clusterIP");
  const auto* ports = array_in(spec, "ports");
  if (type == "ExternalName") {
    if (text_in(spec, "externalName").empty())
      c.required(at / "externalName");
    else
      c.dns_subdomain(at / "externalName", text_in(spec, "externalName"));
  } else if ((ports == nullptr || ports->empty()) && address != "None") {
    c.required(at / "ports");
  }
  if (address == "None" && (type == "NodePort" || type == "LoadBalancer"))
    c.invalid(at / "clusterIPs[0]", address, "may not be set to 'None' for " + std::string{type} + " services");
  if (ports != nullptr) check_service_ports(c, *ports, at / "ports");
  if (const auto* labels = object_in(spec, "selector")) c.labels(at / "selector", *labels);
  if (before == nullptr) return;
  const auto& old = object_or_none(*before, "spec");
  if (!text_in(old, "clusterIP").empty() && !address.empty() && text_in(old, "clusterIP") != address &&
      text_in(old, "type") != "ExternalName" && type != "ExternalName")
    c.invalid(at / "clusterIPs[0]", address, "may not change once set");
}

/// Checks keys and total size of the maps that a ConfigMap or Secret is made of.
void check_data(checker& c, const json::object& o, std::initializer_list<std::string_view> maps) {
  step root{};
  size_t bytes = 0;
  const json::object* first = nullptr;
  for (auto map : maps) {
    const auto* data = object_in(o, map);
    if (data == nullptr) continue;
    auto at = root / map;
    for (const auto& kv : *data) {
      c.config_key(at.key(kv.key()), kv.key());
      if (first != nullptr && first->contains(kv.key()))
        c.invalid(at.key(kv.key()), text(kv.key()), "duplicate of key present in data");
      // Base64 stands for three quarters of its length.
      if (kv.value().is_string())
        bytes +=
            map == "data" && maps.size() > 1 ? kv.value().get_string().size() : kv.value().get_string().size() / 4 * 3;
    }
    first = data;
  }
  if (bytes > data_bytes_max) c.too_long(maps.size() > 1 ? root : root / "data", data_bytes_max);
}

/// A ConfigMap or Secret that says so may not change.
void check_immutable(checker& c, const json::object* before, const json::object& o,
                     std::initializer_list<std::string_view> maps) {
  if (before == nullptr || !true_in(*before, "immutable")) return;
  step root{};
  if (!true_in(o, "immutable")) c.forbidden(root / "immutable", "field is immutable when `immutable` is set");
  for (auto map : maps)
    if (!equal(object_or_none(*before, map), object_or_none(o, map)))
      c.forbidden(root / map, "field is immutable when `immutable` is set");
}

void check_config_map(checker& c, const resource_info&, const json::object* before, const json::object& o) {
  check_data(c, o, {"data", "binaryData"});
  check_immutable(c, before, o, {"data", "binaryData"});
}

void check_secret(checker& c, const resource_info&, const json::object* before, const json::object& o) {
  check_data(c, o, {"data"});
  check_immutable(c, before, o, {"data"});
  step root{};
  auto type = text_in(o, "type");
  if (before != nullptr && text_in(*before, "type") != type) c.invalid(root / "type", type, immutable);
  auto data_at = root / "data";
  const auto& data = object_or_none(o, "data");
  auto needs = [&](std::string_view key) {
    if (!data.contains(key)) c.required(data_at.key(key));
  };
  if (type == "kubernetes.io/tls") {
    needs("tls.crt");
    needs("tls.key");
  } else if (type == "kubernetes.io/dockerconfigjson") {
    needs(".dockerconfigjson");
  } else if (type == "kubernetes.io/dockercfg") {
    needs(".dockercfg");
  } else if (type == "kubernetes.io/ssh-auth") {
    needs("ssh-privatekey");
  } else if (type == "kubernetes.io/basic-auth") {
    if (!data.contains("username") && !data.contains("password")) {
      c.required(data_at.key("username"));
      c.required(data_at.key("password"));
    }
  } else if (type == "kubernetes.io/service-account-token") {
    const auto& notes = object_or_none(object_or_none(o, "metadata"), "annotations");
    auto meta_at = root / "metadata";
    auto notes_at = meta_at / "annotations";
    if (text_in(notes, "kubernetes.io/service-account.name").empty())
      c.required(notes_at.key("kubernetes.io/service-account.name"));
  }
}

void check_node(checker& c, const resource_info&, const json::object*, const json::object& o) {
  const auto& spec = object_or_none(o, "spec");
  const auto* taints = array_in(spec, "taints");
  if (taints == nullptr) return;
  step root{};
  auto spec_at = root / "spec";
  auto at = spec_at / "taints";
  std::unordered_set<std::string> taken;
  for (size_t i = 0; i < taints->size(); ++i) {
    const auto* t = (*taints)[i].if_object();
    if (t == nullptr) continue;
    auto here = at[i];
    if (member(*t, "key") != nullptr) c.qualified_name(here / "key", text_in(*t, "key"));
    c.label_value(here / "value", text_in(*t, "value"));
    c.one_of(*t, here, "effect", {"NoExecute", "NoSchedule", "PreferNoSchedule"});
    auto key = std::string{text_in(*t, "key")} + ":" + std::string{text_in(*t, "effect")};
    if (!taken.insert(key).second) c.duplicate(here, key);
  }
}

void check_lease(checker& c, const resource_info&, const json::object*, const json::object& o) {
  step root{};
  auto at = root / "spec";
  const auto& spec = object_or_none(o, "spec");
  const auto* seconds = member(spec, "leaseDurationSeconds");
  if (seconds != nullptr && integer(*seconds).value_or(1) <= 0)
    c.invalid(at / "leaseDurationSeconds", *seconds, "must be greater than 0");
  c.at_least_zero(spec, at, "leaseTransitions");
}

void check_event(checker& c, const resource_info&, const json::object*, const json::object& o) {
  auto about = text_in(object_or_none(o, "involvedObject"), "namespace");
  auto mine = text_in(object_or_none(o, "metadata"), "namespace");
  // Events about what has no namespace go to "default".
  if (about == mine || (about.empty() && (mine == "default" || mine == "kube-system"))) return;
  step root{};
  auto at = root / "involvedObject";
  c.invalid(at / "namespace", about, "does not match event.namespace");
}

void check_role_binding(checker& c, const resource_info&, const json::object* before, const json::object& o) {
  if (before == nullptr || equal(object_or_none(*before, "roleRef"), object_or_none(o, "roleRef"))) return;
  step root{};
  c.invalid(root / "roleRef", json::value(object_or_none(o, "roleRef")), "cannot change roleRef");
}

void check_priority_class(checker& c, const resource_info&, const json::object* before, const json::object& o) {
  step root{};
  auto value = integer_in(o, "value");
  auto name = text_in(object_or_none(o, "metadata"), "name");
  if (value > 1'000'000'000 && name.substr(0, 7) != "system-")
    c.forbidden(root / "value", "maximum allowed value of a user defined priority is 1000000000");
  c.one_of(o, root, "preemptionPolicy", {"Never", "PreemptLowerPriority"});
  if (before != nullptr && integer_in(*before, "value") != value)
    c.forbidden(root / "value", "may not be changed in an update.");
}

struct entry {
  std::string_view id;
  void (*check)(checker&, const resource_info&, const json::object*, const json::object&);
};
constexpr entry table[] = {
    {"pods", check_pod},
    {"deployments.apps", check_deployment},
    {"replicasets.apps", check_replica_set},
    {"services", check_service},
    {"configmaps", check_config_map},
    {"secrets", check_secret},
    {"nodes", check_node},
    {"leases.coordination.k8s.io", check_lease},
    {"events", check_event},
    {"rolebindings.rbac.authorization.k8s.io", check_role_binding},
    {"clusterrolebindings.rbac.authorization.k8s.io", check_role_binding},
    {"priorityclasses.scheduling.k8s.io", check_priority_class},
    {"devices.devices.kubeedge.io", check_device},
    {"devicemodels.devices.kubeedge.io", check_device_model},
};

}  // namespace

void check_kind(checker& c, const resource_info& info, const json::object* before, const json::object& after) {
  for (const auto& e : table)
    if (e.id == info.id) return e.check(c, info, before, after);
}

}  // namespace skerry::kube
