#include "schema/kube/checker.hpp"
#include "schema/kube/quantity.hpp"

namespace skerry::kube {
namespace {

bool ends_in_space(std::string_view s) {
  auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  return !s.empty() && (space(s.front()) || space(s.back()));
}

void check_http_get(checker& c, const json::object& get, const step& at) {
  if (const auto* p = member(get, "port")) c.port_or_name(at / "port", *p);
  c.one_of(get, at, "scheme", {"HTTP", "HTTPS"});
  auto headers = at / "httpHeaders";
  if (const auto* list = array_in(get, "httpHeaders"))
    for (size_t i = 0; i < list->size(); ++i)
      if (const auto* h = (*list)[i].if_object(); h != nullptr && member(*h, "name") != nullptr) {
        auto name = text_in(*h, "name");
        bool good = !name.empty();
        for (char ch : name)
          good &= (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '-';
        if (!good)
          c.invalid(headers[i], name,
                    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name')");
      }
}

/// Checks that exactly one of the handlers stands there, and that one.
void check_handler(checker& c, const json::object& handler, const step& at,
                   std::initializer_list<std::string_view> kinds) {
  size_t count = 0;
  for (auto kind : kinds) {
    const auto* h = object_in(handler, kind);
    if (h == nullptr) continue;
    auto here = at / kind;
    if (++count > 1) {
      c.forbidden(here, "may not specify more than 1 handler type");
    } else if (kind == "exec") {
      const auto* command = array_in(*h, "command");
      if (command == nullptr || command->empty()) c.required(here / "command");
    } else if (kind == "httpGet") {
      check_http_get(c, *h, here);
    } else if (kind == "tcpSocket") {
      if (const auto* p = member(*h, "port")) c.port_or_name(here / "port", *p);
    } else if (kind == "grpc") {
      if (const auto* p = member(*h, "port")) c.port(here / "port", integer(*p).value_or(0));
    }
  }
  if (count == 0) c.required(at, "must specify a handler type");
}

void check_probe(checker& c, const json::object& container, std::string_view name, const step& container_at) {
  const auto* p = object_in(container, name);
  if (p == nullptr) return;
  auto at = container_at / name;
  check_handler(c, *p, at, {"exec", "httpGet", "tcpSocket", "grpc"});
  for (std::string_view key :
       {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"})
    c.at_least_zero(*p, at, key);
  bool ready = name == "readinessProbe";
  if (const auto* n = member(*p, "successThreshold"); n != nullptr && !ready && integer(*n).value_or(1) != 1)
    c.invalid(at / "successThreshold", *n, "must be 1");
  const auto* grace = member(*p, "terminationGracePeriodSeconds");
  if (grace == nullptr) return;
  if (ready)
    c.invalid(at / "terminationGracePeriodSeconds", *grace, "must not be set for readinessProbes");
  else if (integer(*grace).value_or(1) <= 0)
    c.invalid(at / "terminationGracePeriodSeconds", *grace, "must be greater than 0");
}

void check_ports(checker& c, const json::array& ports, const step& at, bool host_network) {
  name_set used;
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto* p = ports[i].if_object();
    if (p == nullptr) continue;
    auto here = at[i];
    if (auto name = text_in(*p, "name"); !name.empty()) {
      if (!is_port_name(name))
        c.invalid(here / "name", name,
                  "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), at least one letter, and no "
                  "more than 15 of them");
      else if (!used.insert(name))
        c.duplicate(here / "name", name);
    }
    auto inside = integer_in(*p, "containerPort", -1);
    if (const auto* v = member(*p, "containerPort")) {
      if (inside == 0)
        c.required(here / "containerPort");
      else
        c.port(here / "containerPort", integer(*v).value_or(0));
    }
    if (auto host = integer_in(*p, "hostPort"); host != 0) {
      c.port(here / "hostPort", host);
      if (host_network && host != inside)
        c.invalid(here / "hostPort", json::value(host), "must match `containerPort` when `hostNetwork` is true");
    }
    c.one_of(*p, here, "protocol", {"SCTP", "TCP", "UDP"});
  }
}

/// True for metadata.labels['key'] and metadata.annotations['key'].
bool subscripted(std::string_view path) {
  for (std::string_view base : {"metadata.labels['", "metadata.annotations['"})
    if (path.size() > base.size() + 2 && path.substr(0, base.size()) == base && path.substr(path.size() - 2) == "']")
      return true;
  return false;
}

void check_field_path(checker& c, const json::object& ref, const step& at) {
  auto path = text_in(ref, "fieldPath");
  if (member(ref, "fieldPath") == nullptr || subscripted(path)) return;
  if (path.empty()) return c.required(at / "fieldPath");
  c.one_of(ref, at, "fieldPath",
           {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
            "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"});
}

void check_value_from(checker& c, const json::object& env, const json::object& from, const step& at) {
  size_t count = 0;
  for (std::string_view kind : {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"}) {
    const auto* ref = object_in(from, kind);
    if (ref == nullptr) continue;
    ++count;
    auto here = at / kind;
    if (kind == "fieldRef") check_field_path(c, *ref, here);
    if (kind == "resourceFieldRef")
      c.one_of(*ref, here, "resource",
               {"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
                "requests.memory"});
    if (kind != "configMapKeyRef" && kind != "secretKeyRef") continue;
    if (text_in(*ref, "name").empty()) c.required(here / "name");
    if (member(*ref, "key") != nullptr) c.config_key(here / "key", text_in(*ref, "key"));
  }
  if (count == 0)
    c.invalid(
        at, "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`");
  else if (count > 1)
    c.invalid(at, "", "may not have more than one field specified at a time");
  if (!text_in(env, "value").empty()) c.invalid(at, "", "may not be specified when `value` is not empty");
}

void check_env(checker& c, const json::object& container, const step& at) {
  auto list_at = at / "env";
  if (const auto* env = array_in(container, "env"))
    for (size_t i = 0; i < env->size(); ++i) {
      const auto* e = (*env)[i].if_object();
      if (e == nullptr) continue;
      auto here = list_at[i];
      auto name = text_in(*e, "name");
      if (name.empty() && member(*e, "name") != nullptr) c.required(here / "name");
      for (char ch : name)
        if (ch == '=' || ch < ' ' || ch == 0x7f) {
          c.invalid(here / "name", name,
                    "a valid environment variable name must consist only of printable ASCII characters other than '='");
          break;
        }
      if (const auto* from = object_in(*e, "valueFrom")) check_value_from(c, *e, *from, here / "valueFrom");
    }
  auto from_at = at / "envFrom";
  if (const auto* list = array_in(container, "envFrom"))
    for (size_t i = 0; i < list->size(); ++i) {
      const auto* e = (*list)[i].if_object();
      if (e == nullptr) continue;
      auto here = from_at[i];
      size_t count = 0;
      for (std::string_view kind : {"configMapRef", "secretRef"})
        if (const auto* ref = object_in(*e, kind)) {
          auto ref_at = here / kind;
          if (++count > 1) c.invalid(here, "", "may not have more than one field specified at a time");
          if (text_in(*ref, "name").empty()) c.required(ref_at / "name");
        }
      if (count == 0) c.invalid(here, "", "must specify one of: `configMapRef` or `secretRef`");
    }
}

void check_mounts(checker& c, const json::array& mounts, const step& at, const name_set& volumes) {
  name_set paths;
  for (size_t i = 0; i < mounts.size(); ++i) {
    const auto* m = mounts[i].if_object();
    if (m == nullptr) continue;
    auto here = at[i];
    auto name = text_in(*m, "name"), path = text_in(*m, "mountPath"), sub = text_in(*m, "subPath");
    if (name.empty()) {
      if (member(*m, "name") != nullptr) c.required(here / "name");
    } else if (!volumes.contains(name)) {
      c.not_found(here / "name", name);
    }
    if (path.empty()) {
      if (member(*m, "mountPath") != nullptr) c.required(here / "mountPath");
    } else if (!paths.insert(path)) {
      c.invalid(here / "mountPath", path, "must be unique");
    }
    if (path.find(':') != std::string_view::npos) c.invalid(here / "mountPath", path, "must not contain ':'");
    for (std::string_view key : {"subPath", "subPathExpr"}) {
      auto p = text_in(*m, key);
      if (!p.empty() && p[0] == '/') c.invalid(here / key, p, "must be a relative path");
      if (p == ".." || p.substr(0, 3) == "../" || p.find("/../") != std::string_view::npos ||
          (p.size() > 2 && p.substr(p.size() - 3) == "/.."))
        c.invalid(here / key, p, "must not contain '..'");
    }
    if (!sub.empty() && !text_in(*m, "subPathExpr").empty())
      c.invalid(here / "subPathExpr", text_in(*m, "subPathExpr"), "subPathExpr and subPath are mutually exclusive");
    c.one_of(*m, here, "mountPropagation", {"Bidirectional", "HostToContainer", "None"});
  }
}

void check_amounts(checker& c, const json::object& amounts, const step& at) {
  for (const auto& kv : amounts) {
    auto here = at.key(kv.key());
    std::string_view name{kv.key().data(), kv.key().size()};
    bool standard =
        name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.substr(0, 10) == "hugepages-";
    if (!standard && (name.find('/') == std::string_view::npos || !is_qualified_name(name)))
      c.invalid(here, name, "must be a standard resource for containers");
    auto q = quantity::from_json(kv.value());
    if (q && q->sign() < 0) c.invalid(here, kv.value(), not_negative);
  }
}

void check_resources(checker& c, const json::object& resources, const step& at) {
  const auto* limits = object_in(resources, "limits");
  const auto* requests = object_in(resources, "requests");
  if (limits != nullptr) check_amounts(c, *limits, at / "limits");
  if (requests != nullptr) check_amounts(c, *requests, at / "requests");
  if (limits == nullptr || requests == nullptr) return;
  for (const auto& kv : *requests) {
    const auto* most = member(*limits, kv.key());
    if (most == nullptr) continue;
    auto r = quantity::from_json(kv.value()), l = quantity::from_json(*most);
    if (r && l && *r > *l)
      c.invalid(at / "requests", kv.value(),
                "must be less than or equal to " + std::string{kv.key()} + " limit of " + l->to_string());
  }
}

void check_lifecycle(checker& c, const json::object& life, const step& at) {
  for (std::string_view hook : {"postStart", "preStop"})
    if (const auto* h = object_in(life, hook))
      check_handler(c, *h, at / hook, {"exec", "httpGet", "tcpSocket", "sleep"});
}

struct surroundings {
  const name_set& volumes;
  name_set& taken;
  bool init = false, host_network = false;
};

void check_container(checker& c, const json::object& o, const step& at, const surroundings& around) {
  if (auto name = text_in(o, "name"); member(o, "name") != nullptr) {
    if (name.empty())
      c.required(at / "name");
    else if (!around.taken.insert(name))
      c.duplicate(at / "name", name);
    else
      c.dns_label(at / "name", name);
  }
  auto image = text_in(o, "image");
  if (image.empty())
    c.required(at / "image");
  else if (ends_in_space(image))
    c.invalid(at / "image", image, "must not have leading or trailing whitespace");
  c.one_of(o, at, "imagePullPolicy", {"Always", "IfNotPresent", "Never"});
  c.one_of(o, at, "terminationMessagePolicy", {"FallbackToLogsOnError", "File"});
  if (const auto* ports = array_in(o, "ports")) check_ports(c, *ports, at / "ports", around.host_network);
  check_env(c, o, at);
  if (const auto* mounts = array_in(o, "volumeMounts")) check_mounts(c, *mounts, at / "volumeMounts", around.volumes);
  if (const auto* r = object_in(o, "resources")) check_resources(c, *r, at / "resources");
  auto restart = text_in(o, "restartPolicy");
  bool sidecar = around.init && restart == "Always";
  if (around.init && !restart.empty() && !sidecar) c.not_supported(at / "restartPolicy", restart, {"Always"});
  if (!around.init && !restart.empty()) c.forbidden(at / "restartPolicy", "may not be set for non-init containers");
  for (std::string_view key : {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"})
    if (around.init && !sidecar && member(o, key) != nullptr)
      c.forbidden(at / key, "may not be set for init containers without restartPolicy=Always");
  if (around.init && !sidecar) return;
  for (std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"}) check_probe(c, o, probe, at);
  if (const auto* life = object_in(o, "lifecycle")) check_lifecycle(c, *life, at / "lifecycle");
}

/// Two containers of a pod cannot hold the same port of the host.
void check_host_ports(checker& c, const json::array& containers, const step& at) {
  std::unordered_set<std::string> used;
  for (size_t i = 0; i < containers.size(); ++i) {
    const auto* o = containers[i].if_object();
    const auto* ports = o != nullptr ? array_in(*o, "ports") : nullptr;
    if (ports == nullptr) continue;
    auto container_at = at[i];
    auto ports_at = container_at / "ports";
    for (size_t k = 0; k < ports->size(); ++k) {
      const auto* p = (*ports)[k].if_object();
      auto port = p != nullptr ? integer_in(*p, "hostPort") : 0;
      if (port == 0) continue;
      auto key =
          std::string{text_in(*p, "protocol")} + "/" + std::string{text_in(*p, "hostIP")} + "/" + std::to_string(port);
      if (!used.insert(key).second) c.duplicate(ports_at[k] / "hostPort", key);
    }
  }
}

}  // namespace

void check_containers(checker& c, const json::object& spec, const step& at, const name_set& volumes) {
  name_set taken;
  surroundings around{volumes, taken, true, true_in(spec, "hostNetwork")};
  auto init_at = at / "initContainers";
  if (const auto* list = array_in(spec, "initContainers"))
    for (size_t i = 0; i < list->size(); ++i)
      if (const auto* o = (*list)[i].if_object()) check_container(c, *o, init_at[i], around);
  around.init = false;
  auto containers_at = at / "containers";
  const auto* list = array_in(spec, "containers");
  if (list == nullptr) return;  // said by check_required
  if (list->empty()) c.required(containers_at);
  for (size_t i = 0; i < list->size(); ++i)
    if (const auto* o = (*list)[i].if_object()) check_container(c, *o, containers_at[i], around);
  check_host_ports(c, *list, containers_at);
}

}  // namespace skerry::kube
