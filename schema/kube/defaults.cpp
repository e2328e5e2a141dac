#include "schema/kube/defaults.hpp"

#include "schema/kube/value.hpp"

namespace skerry::kube {
namespace {

/// IfNotPresent, or Always for a tag "latest" (given or meant) without digest.
std::string_view pull_policy_of(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  auto slash = image.rfind('/');
  auto name = slash == std::string_view::npos ? image : image.substr(slash + 1);
  auto colon = name.rfind(':');
  return colon == std::string_view::npos || name.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void default_http_get(json::object& handler) {
  if (auto* get = object_in(handler, "httpGet")) {
    set_default(*get, "path", "/");
    set_default(*get, "scheme", "HTTP");
  }
}

/// Sets an integer where it is absent or zero, which is Go's absent integer.
void default_int(json::object& o, std::string_view key, int64_t value) {
  auto* v = member(o, key);
  if (v == nullptr)
    o.emplace(key, value);
  else if (integer(*v) == int64_t{0})
    *v = value;
}

void default_probe(json::object& container, std::string_view name) {
  auto* p = object_in(container, name);
  if (p == nullptr) return;
  default_int(*p, "timeoutSeconds", 1);
  default_int(*p, "periodSeconds", 10);
  default_int(*p, "successThreshold", 1);
  default_int(*p, "failureThreshold", 3);
  default_http_get(*p);
  if (auto* grpc = object_in(*p, "grpc"))
    if (member(*grpc, "service") == nullptr) grpc->emplace("service", "");
}

void default_field_ref(json::object& holder) {
  if (auto* ref = object_in(holder, "fieldRef")) set_default(*ref, "apiVersion", "v1");
}

/// Requests are the limits where only limits are given (SetDefaults_Pod).
void default_requests(json::object& resources) {
  auto* limits = object_in(resources, "limits");
  if (limits == nullptr || limits->empty()) return;
  // Copied first: making "requests" may move what `limits` points to.
  std::vector<std::pair<std::string, json::value>> all;
  for (auto& kv : *limits) all.emplace_back(std::string{kv.key()}, kv.value());
  auto& requests = object_at_key(resources, "requests");
  for (auto& [key, value] : all)
    if (!requests.contains(key)) requests.emplace(key, std::move(value));
}

void default_container(json::object& c, bool is_pod) {
  c.reserve(c.size() + 4);
  set_default(c, "imagePullPolicy", pull_policy_of(text_in(c, "image")));
  set_default(c, "terminationMessagePath", "/dev/termination-log");
  set_default(c, "terminationMessagePolicy", "File");
  if (member(c, "resources") == nullptr) c.emplace("resources", json::object{});
  if (is_pod)
    if (auto* r = object_in(c, "resources")) default_requests(*r);
  for (std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"}) default_probe(c, probe);
  if (auto* ports = array_in(c, "ports"))
    for (auto& p : *ports)
      if (auto* o = p.if_object()) set_default(*o, "protocol", "TCP");
  if (auto* env = array_in(c, "env"))
    for (auto& e : *env)
      if (auto* o = e.if_object())
        if (auto* from = object_in(*o, "valueFrom")) default_field_ref(*from);
  if (auto* life = object_in(c, "lifecycle"))
    for (std::string_view hook : {"postStart", "preStop"})
      if (auto* h = object_in(*life, hook)) default_http_get(*h);
}

void default_items(json::object& source) {
  if (auto* items = array_in(source, "items"))
    for (auto& i : *items)
      if (auto* o = i.if_object()) default_field_ref(*o);
}

void default_projected(json::object& source) {
  default_int(source, "defaultMode", 0644);
  auto* sources = array_in(source, "sources");
  if (sources == nullptr) return;
  for (auto& s : *sources) {
    auto* o = s.if_object();
    if (o == nullptr) continue;
    if (auto* api = object_in(*o, "downwardAPI")) default_items(*api);
    if (auto* token = object_in(*o, "serviceAccountToken")) default_int(*token, "expirationSeconds", 3600);
  }
}

void default_volume(json::object& v) {
  // A volume with a name alone is an emptyDir.
  if (v.size() == 1 && v.contains("name")) v.emplace("emptyDir", json::object{});
  for (std::string_view source : {"secret", "configMap", "downwardAPI"})
    if (auto* o = object_in(v, source)) {
      default_int(*o, "defaultMode", 0644);
      default_items(*o);
    }
  if (auto* projected = object_in(v, "projected")) default_projected(*projected);
  if (auto* path = object_in(v, "hostPath"))
    if (member(*path, "type") == nullptr) path->emplace("type", "");
}

void default_spec(json::object& spec, bool is_pod) {
  set_default(spec, "restartPolicy", "Always");
  if (member(spec, "terminationGracePeriodSeconds") == nullptr) spec.emplace("terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  if (member(spec, "securityContext") == nullptr) spec.emplace("securityContext", json::object{});
  // serviceAccount is the old name of serviceAccountName: both say the same.
  // (Copies: a short string lives in the object itself, which an insertion may move.)
  if (std::string old{text_in(spec, "serviceAccount")}; !old.empty()) set_default(spec, "serviceAccountName", old);
  if (std::string name{text_in(spec, "serviceAccountName")}; !name.empty()) spec["serviceAccount"] = name;
  for_each_container(spec, [&](json::object& c, std::string_view, size_t) { default_container(c, is_pod); });
  if (is_pod && true_in(spec, "hostNetwork"))
    for_each_container(spec, [](json::object& c, std::string_view, size_t) {
      if (auto* ports = array_in(c, "ports"))
        for (auto& p : *ports)
          if (auto* o = p.if_object()) default_int(*o, "hostPort", integer_in(*o, "containerPort"));
    });
  if (auto* volumes = array_in(spec, "volumes"))
    for (auto& v : *volumes)
      if (auto* o = v.if_object()) default_volume(*o);
}

void default_pod(json::object& pod) {
  auto* spec = object_in(pod, "spec");
  if (spec == nullptr) return;
  default_spec(*spec, true);
  set_default(*spec, "serviceAccountName", "default");
  spec->insert_or_assign("serviceAccount", json::value(text_in(*spec, "serviceAccountName")));
  if (member(*spec, "enableServiceLinks") == nullptr) spec->emplace("enableServiceLinks", true);
  if (member(*spec, "preemptionPolicy") == nullptr) spec->emplace("preemptionPolicy", "PreemptLowerPriority");
  if (member(*spec, "priority") == nullptr && text_in(*spec, "priorityClassName").empty()) spec->emplace("priority", 0);
}

void default_template(json::object& spec) {
  if (auto* t = object_in(spec, "template"))
    if (auto* s = object_in(*t, "spec")) default_spec(*s, false);
}

void default_deployment(json::object& deployment) {
  auto* spec = object_in(deployment, "spec");
  if (spec == nullptr) return;
  if (member(*spec, "replicas") == nullptr) spec->emplace("replicas", 1);
  auto& strategy = object_at_key(*spec, "strategy");
  set_default(strategy, "type", "RollingUpdate");
  if (text_in(strategy, "type") == "RollingUpdate") {
    auto& rolling = object_at_key(strategy, "rollingUpdate");
    if (member(rolling, "maxUnavailable") == nullptr) rolling.emplace("maxUnavailable", "25%");
    if (member(rolling, "maxSurge") == nullptr) rolling.emplace("maxSurge", "25%");
  }
  if (member(*spec, "revisionHistoryLimit") == nullptr) spec->emplace("revisionHistoryLimit", 10);
  if (member(*spec, "progressDeadlineSeconds") == nullptr) spec->emplace("progressDeadlineSeconds", 600);
  default_template(*spec);
}

void default_replica_set(json::object& set) {
  auto* spec = object_in(set, "spec");
  if (spec == nullptr) return;
  if (member(*spec, "replicas") == nullptr) spec->emplace("replicas", 1);
  default_template(*spec);
}

void default_service(json::object& service) {
  auto* spec = object_in(service, "spec");
  if (spec == nullptr) return;
  set_default(*spec, "sessionAffinity", "None");
  set_default(*spec, "type", "ClusterIP");
  auto type = std::string{text_in(*spec, "type")};
  if (text_in(*spec, "sessionAffinity") == "ClientIP") {
    auto& client = object_at_key(object_at_key(*spec, "sessionAffinityConfig"), "clientIP");
    if (member(client, "timeoutSeconds") == nullptr) client.emplace("timeoutSeconds", 10800);
  }
  if (type != "ExternalName" && member(*spec, "internalTrafficPolicy") == nullptr)
    spec->emplace("internalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer") set_default(*spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer" && member(*spec, "allocateLoadBalancerNodePorts") == nullptr)
    spec->emplace("allocateLoadBalancerNodePorts", true);
  auto* ports = array_in(*spec, "ports");
  if (ports == nullptr) return;
  for (auto& p : *ports) {
    auto* o = p.if_object();
    if (o == nullptr) continue;
    set_default(*o, "protocol", "TCP");
    auto* target = member(*o, "targetPort");
    if (target == nullptr || integer(*target) == int64_t{0} || (target->is_string() && target->get_string().empty()))
      (*o)["targetPort"] = integer_in(*o, "port");
  }
}

std::string base64(std::string_view in) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  for (size_t i = 0; i < in.size(); i += 3) {
    auto byte = [&](size_t k) { return i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0U; };
    unsigned v = byte(0) << 16 | byte(1) << 8 | byte(2);
    out += digits[v >> 18];
    out += digits[v >> 12 & 63];
    out += i + 1 < in.size() ? digits[v >> 6 & 63] : '=';
    out += i + 2 < in.size() ? digits[v & 63] : '=';
  }
  return out;
}

void default_secret(json::object& secret) {
  set_default(secret, "type", "Opaque");
  auto* plain = object_in(secret, "stringData");
  if (plain == nullptr) return;
  json::object taken = std::move(*plain);
  remove(secret, "stringData");
  auto& data = object_at_key(secret, "data");
  for (auto& kv : taken)
    if (const auto* s = kv.value().if_string()) data[kv.key()] = base64(text(*s));
}

void default_namespace(json::object& ns) {
  set_default(object_at_key(ns, "status"), "phase", "Active");
  // The name may still be missing (generateName): stamp_new gives it one and calls again.
  const auto* named = object_in(ns, "metadata");
  if (named == nullptr || text_in(*named, "name").empty()) return;
  std::string name{text_in(*named, "name")};
  bool going = !text_in(*named, "deletionTimestamp").empty();
  object_at_key(object_at_key(ns, "metadata"), "labels")["kubernetes.io/metadata.name"] = name;
  auto& spec = object_at_key(ns, "spec");
  if (!going && member(spec, "finalizers") == nullptr) spec.emplace("finalizers", json::array{"kubernetes"});
}

void default_storage_class(json::object& c) {
  set_default(c, "reclaimPolicy", "Delete");
  set_default(c, "volumeBindingMode", "Immediate");
}

void default_endpoints(json::object& e) {
  auto* subsets = array_in(e, "subsets");
  if (subsets == nullptr) return;
  for (auto& s : *subsets)
    if (auto* o = s.if_object())
      if (auto* ports = array_in(*o, "ports"))
        for (auto& p : *ports)
          if (auto* port = p.if_object()) set_default(*port, "protocol", "TCP");
}

void default_binding(json::object& b) {
  if (auto* ref = object_in(b, "roleRef")) set_default(*ref, "apiGroup", "rbac.authorization.k8s.io");
  auto* subjects = array_in(b, "subjects");
  if (subjects == nullptr) return;
  for (auto& s : *subjects)
    if (auto* o = s.if_object())
      if (auto kind = text_in(*o, "kind"); kind == "User" || kind == "Group")
        set_default(*o, "apiGroup", "rbac.authorization.k8s.io");
}

void default_network_policy(json::object& policy) {
  auto* spec = object_in(policy, "spec");
  if (spec == nullptr || member(*spec, "policyTypes") != nullptr) return;
  json::array types{"Ingress"};
  if (member(*spec, "egress") != nullptr) types.emplace_back("Egress");
  spec->emplace("policyTypes", std::move(types));
}

struct entry {
  std::string_view id;
  void (*apply)(json::object&);
};
constexpr entry table[] = {
    {"pods", default_pod},
    {"deployments.apps", default_deployment},
    {"replicasets.apps", default_replica_set},
    {"services", default_service},
    {"secrets", default_secret},
    {"namespaces", default_namespace},
    {"podtemplates", default_template},
    {"endpoints", default_endpoints},
    {"storageclasses.storage.k8s.io", default_storage_class},
    {"rolebindings.rbac.authorization.k8s.io", default_binding},
    {"clusterrolebindings.rbac.authorization.k8s.io", default_binding},
    {"networkpolicies.networking.k8s.io", default_network_policy},
};

}  // namespace

void apply_defaults(const resource_info& info, json::value& value) {
  auto* o = value.if_object();
  if (o == nullptr) return;
  for (const auto& e : table)
    if (e.id == info.id) return e.apply(*o);
}

void default_pod_spec(json::value& spec) {
  if (auto* o = spec.if_object()) default_spec(*o, false);
}

}  // namespace skerry::kube
