#include "actors/pod/parse.hpp"

#include <algorithm>

#include "schema/kube/quantity.hpp"

namespace skerry::pod {

std::vector<std::string> strings(const json::array& a) {
  std::vector<std::string> out;
  for (auto& v : a)
    if (auto* s = v.if_string()) out.emplace_back(s->data(), s->size());
  return out;
}

std::map<std::string, std::string> string_map(const json::object& o) {
  std::map<std::string, std::string> out;
  for (auto& [k, v] : o)
    if (auto* s = v.if_string()) out.emplace(std::string{k}, std::string{s->data(), s->size()});
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0, pads = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    int v = c >= 'A' && c <= 'Z'   ? c - 'A'
            : c >= 'a' && c <= 'z' ? c - 'a' + 26
            : c >= '0' && c <= '9' ? c - '0' + 52
            : c == '+'             ? 62
            : c == '/'             ? 63
            : c == '='             ? 0
                                   : -1;
    if (v < 0 || (pads > 0 && c != '=')) return {};
    if (c == '=') ++pads;
    bits = bits << 6 | static_cast<uint32_t>(v);
    if (++count % 4 == 0)
      for (int shift : {16, 8, 0}) out += static_cast<char>(bits >> shift & 0xff);
  }
  if (count % 4 != 0 || pads > 2) return {};
  out.resize(out.size() - static_cast<size_t>(pads));
  return out;
}

config_object parse_config(const json::value& object, bool secret) {
  config_object out;
  auto take = [&](const json::object& from, bool encoded) {
    for (auto& [k, v] : from) {
      auto* s = v.if_string();
      if (s == nullptr) continue;
      std::string text{s->data(), s->size()};
      if (!encoded)
        out.data.emplace(std::string{k}, std::move(text));
      else if (auto decoded = decode_base64(text))
        out.data.emplace(std::string{k}, std::move(*decoded));
    }
  };
  take(object_at(object, "data"), secret);
  if (!secret) take(object_at(object, "binaryData"), true);
  return out;
}

namespace {

uint32_t bounded(const json::value& v, std::string_view path, int64_t otherwise, int64_t least) {
  return static_cast<uint32_t>(std::clamp<int64_t>(int_at(v, path, otherwise), least, 1'000'000));
}

port_ref parse_port(const json::value& holder) {
  port_ref out;
  if (auto name = string_at(holder, "port"); !name.empty())
    out.name = name;
  else
    out.number = static_cast<uint16_t>(int_at(holder, "port"));
  return out;
}

action parse_action(const json::value& v) {
  action out;
  if (find(v, "exec") != nullptr) {
    out.what = action::kind::exec;
    out.command = strings(array_at(v, "exec.command"));
  } else if (const auto* http = find(v, "httpGet")) {
    out.what = action::kind::http;
    out.host = string_at(*http, "host");
    out.path = string_at(*http, "path", "/");
    if (out.path.empty() || out.path[0] != '/') out.path = "/" + out.path;
    out.https = string_at(*http, "scheme") == "HTTPS";
    out.port = parse_port(*http);
    for (auto& h : array_at(*http, "httpHeaders"))
      out.headers.emplace_back(string_at(h, "name"), string_at(h, "value"));
  } else if (const auto* tcp = find(v, "tcpSocket")) {
    out.what = action::kind::tcp;
    out.host = string_at(*tcp, "host");
    out.port = parse_port(*tcp);
  } else if (find(v, "sleep") != nullptr) {
    out.what = action::kind::sleep;
    out.sleep_s = std::clamp<int64_t>(int_at(v, "sleep.seconds"), 0, 3600);
  } else if (find(v, "grpc") != nullptr) {
    out.what = action::kind::unsupported;
  }
  return out;
}

std::optional<probe_spec> parse_probe(const json::value& container, std::string_view name) {
  const auto* v = find(container, name);
  if (v == nullptr || !v->is_object()) return {};
  probe_spec p;
  p.what = parse_action(*v);
  if (p.what.what == action::kind::none) return {};
  p.initial_delay_s = bounded(*v, "initialDelaySeconds", 0, 0);
  p.period_s = bounded(*v, "periodSeconds", 10, 1);
  p.timeout_s = bounded(*v, "timeoutSeconds", 1, 1);
  p.success_threshold = bounded(*v, "successThreshold", 1, 1);
  p.failure_threshold = bounded(*v, "failureThreshold", 3, 1);
  if (find(*v, "terminationGracePeriodSeconds") != nullptr) p.grace_s = int_at(*v, "terminationGracePeriodSeconds");
  return p;
}

env_var parse_env(const json::value& v) {
  env_var e;
  e.name = string_at(v, "name");
  e.value = string_at(v, "value");
  const auto* from = find(v, "valueFrom");
  if (from == nullptr) return e;
  for (auto [path, secret] : {std::pair{"configMapKeyRef", false}, std::pair{"secretKeyRef", true}}) {
    const auto* ref = find(*from, path);
    if (ref == nullptr) continue;
    e.source = env_var::from::config;
    e.config = {secret, std::string{string_at(*ref, "name")}};
    e.key = string_at(*ref, "key");
    e.optional = bool_at(*ref, "optional");
  }
  if (const auto* field = find(*from, "fieldRef")) {
    e.source = env_var::from::field;
    e.value = string_at(*field, "fieldPath");
  } else if (const auto* resource = find(*from, "resourceFieldRef")) {
    e.source = env_var::from::resource;
    e.value = string_at(*resource, "resource");
    e.container = string_at(*resource, "containerName");
    e.divisor = string_at(*resource, "divisor", "1");
  }
  return e;
}

resource_amounts parse_amounts(const json::object& o) {
  resource_amounts out;
  for (auto& [name, v] : o) {
    auto q = kube::quantity::from_json(v);
    if (!q) continue;
    if (name == "cpu") out.cpu_milli = q->milli();
    if (name == "memory") out.memory_bytes = q->value();
    if (name == "ephemeral-storage") out.ephemeral_bytes = q->value();
  }
  return out;
}

/// The container's own value, else the pod's.
const json::value* security(const json::value& container, const json::value& spec, const std::string& field) {
  if (const auto* own = find(container, "securityContext." + field); own != nullptr && !own->is_null()) return own;
  const auto* pods = find(spec, "securityContext." + field);
  return pods != nullptr && !pods->is_null() ? pods : nullptr;
}

void parse_security(container_def& c, const json::value& v, const json::value& spec) {
  auto number = [](const json::value* x) -> std::optional<int64_t> {
    if (x == nullptr) return {};
    if (x->is_int64()) return x->get_int64();
    if (x->is_uint64()) return static_cast<int64_t>(x->get_uint64());
    return {};
  };
  c.user = number(security(v, spec, "runAsUser"));
  c.group = number(security(v, spec, "runAsGroup"));
  const auto* non_root = security(v, spec, "runAsNonRoot");
  c.run_as_non_root = non_root != nullptr && non_root->is_bool() && non_root->get_bool();
  c.privileged = bool_at(v, "securityContext.privileged");
  c.read_only_root = bool_at(v, "securityContext.readOnlyRootFilesystem");
  c.allow_privilege_escalation = bool_at(v, "securityContext.allowPrivilegeEscalation", true);
  c.add_capabilities = strings(array_at(v, "securityContext.capabilities.add"));
  c.drop_capabilities = strings(array_at(v, "securityContext.capabilities.drop"));
}

/// Kubernetes' default: Always for ":latest" and no tag, else IfNotPresent.
ports::pull_policy parse_pull(std::string_view text, std::string_view image) {
  if (text == "Always") return ports::pull_policy::always;
  if (text == "Never") return ports::pull_policy::never;
  if (text == "IfNotPresent" || image.find('@') != std::string_view::npos) return ports::pull_policy::if_not_present;
  auto slash = image.rfind('/');
  auto tail = slash == std::string_view::npos ? image : image.substr(slash + 1);
  auto colon = tail.find(':');
  bool latest = colon == std::string_view::npos || tail.substr(colon + 1) == "latest";
  return latest ? ports::pull_policy::always : ports::pull_policy::if_not_present;
}

}  // namespace

container_def parse_container(const json::value& v, const json::value& spec, bool init) {
  container_def c;
  c.name = string_at(v, "name");
  c.image = string_at(v, "image");
  c.working_directory = string_at(v, "workingDir");
  c.init = init;
  c.sidecar = init && string_at(v, "restartPolicy") == "Always";
  c.pull = parse_pull(string_at(v, "imagePullPolicy"), c.image);
  c.command = strings(array_at(v, "command"));
  c.args = strings(array_at(v, "args"));
  for (auto& e : array_at(v, "env")) c.env.push_back(parse_env(e));
  for (auto& e : array_at(v, "envFrom")) {
    bool secret = find(e, "secretRef") != nullptr;
    std::string ref = secret ? "secretRef" : "configMapRef";
    c.env_from_all.push_back({std::string{string_at(e, "prefix")},
                              {secret, std::string{string_at(e, ref + ".name")}},
                              bool_at(e, ref + ".optional")});
  }
  for (auto& m : array_at(v, "volumeMounts"))
    c.mounts.push_back({std::string{string_at(m, "name")}, std::string{string_at(m, "mountPath")},
                        std::string{string_at(m, "subPath")}, std::string{string_at(m, "subPathExpr")},
                        bool_at(m, "readOnly")});
  for (auto& p : array_at(v, "ports"))
    c.ports.push_back({std::string{string_at(p, "name")}, std::string{string_at(p, "protocol", "TCP")},
                       std::string{string_at(p, "hostIP")}, static_cast<uint16_t>(int_at(p, "containerPort")),
                       static_cast<uint16_t>(int_at(p, "hostPort"))});
  c.requests = parse_amounts(object_at(v, "resources.requests"));
  c.limits = parse_amounts(object_at(v, "resources.limits"));
  c.probes[0] = parse_probe(v, "startupProbe");
  c.probes[1] = parse_probe(v, "readinessProbe");
  c.probes[2] = parse_probe(v, "livenessProbe");
  if (const auto* hook = find(v, "lifecycle.postStart")) c.post_start = parse_action(*hook);
  if (const auto* hook = find(v, "lifecycle.preStop")) c.pre_stop = parse_action(*hook);
  c.termination_message_path = string_at(v, "terminationMessagePath", "/dev/termination-log");
  c.tty = bool_at(v, "tty");
  c.open_stdin = bool_at(v, "stdin");
  parse_security(c, v, spec);
  return c;
}

}  // namespace skerry::pod
