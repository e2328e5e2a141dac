#include "actors/pod/environment.hpp"

#include <algorithm>

#include "schema/error.hpp"
#include "schema/kube/quantity.hpp"

namespace skerry::pod {
namespace {

const config_object* look_up(const config_set& configs, const config_key& key) {
  auto i = configs.find(key);
  return i == configs.end() ? nullptr : i->second.get();
}

caf::error not_there(const config_key& key) {
  return make_error(errc::not_found, kind_of(key) + " \"" + key.name + "\" not found");
}

void set(environment& all, const std::string& name, std::string value) {
  auto i = std::find_if(all.begin(), all.end(), [&](auto& x) { return x.first == name; });
  if (i != all.end())
    i->second = std::move(value);
  else
    all.emplace_back(name, std::move(value));
}

std::string join(const std::vector<std::string>& all) {
  std::string out;
  for (auto& x : all) out += (out.empty() ? "" : ",") + x;
  return out;
}

/// Text of a map for files: key="escaped value" lines, as kubelet's fieldpath.FormatMap.
std::string format_map(const std::map<std::string, std::string>& m) {
  std::string out;
  for (auto& [k, v] : m) {
    if (!out.empty()) out += '\n';
    out += k + "=" + json::serialize(json::value(v));
  }
  return out;
}

/// metadata.labels['key'] -> key; nothing if `path` is not a subscript of `map`.
std::optional<std::string> subscript(std::string_view path, std::string_view map) {
  if (path.size() < map.size() + 4 || path.substr(0, map.size()) != map) return {};
  path.remove_prefix(map.size());
  if (path.substr(0, 2) != "['" || path.substr(path.size() - 2) != "']") return {};
  return std::string{path.substr(2, path.size() - 4)};
}

caf::expected<std::optional<std::string>> value_of(const resolve_context& in, const container_def& c, const env_var& e,
                                                   const environment& before) {
  using result = std::optional<std::string>;
  switch (e.source) {
    case env_var::from::value:
      return result{expand(e.value, before)};
    case env_var::from::field: {
      auto v = field_value(in, e.value);
      if (!v) return v.error();
      return result{std::move(*v)};
    }
    case env_var::from::resource: {
      auto v = resource_value(in, c, e.container, e.value, e.divisor);
      if (!v) return v.error();
      return result{std::move(*v)};
    }
    case env_var::from::config:
      break;
  }
  const auto* object = look_up(in.configs, e.config);
  if (object == nullptr)
    return e.optional ? caf::expected<result>{result{}} : caf::expected<result>{not_there(e.config)};
  auto i = object->data.find(e.key);
  if (i != object->data.end()) return result{i->second};
  if (e.optional) return result{};
  return make_error(errc::not_found, "couldn't find key " + e.key + " in " +
                                         (e.config.secret ? "Secret " : "ConfigMap ") + in.pod.ns + "/" +
                                         e.config.name);
}

}  // namespace

std::string expand(std::string_view text, const environment& variables) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    auto end = text[i + 1] == '(' ? text.find(')', i + 2) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[i];
      continue;
    }
    auto name = text.substr(i + 2, end - i - 2);
    auto v = std::find_if(variables.begin(), variables.end(), [&](auto& x) { return x.first == name; });
    if (v != variables.end())
      out += v->second;
    else
      out += text.substr(i, end - i + 1);
    i = end;
  }
  return out;
}

caf::expected<std::string> field_value(const resolve_context& in, std::string_view path) {
  auto& p = in.pod;
  auto first = [](const std::vector<std::string>& x) { return x.empty() ? std::string{} : x.front(); };
  auto& pod_ips = p.host_network ? in.host.ips : in.ips;
  if (path == "metadata.name") return p.name;
  if (path == "metadata.namespace") return p.ns;
  if (path == "metadata.uid") return p.uid;
  if (path == "metadata.labels") return format_map(p.labels);
  if (path == "metadata.annotations") return format_map(p.annotations);
  if (path == "spec.nodeName") return in.host.node;
  if (path == "spec.serviceAccountName") return p.service_account;
  if (path == "status.podIP") return first(pod_ips);
  if (path == "status.podIPs") return join(pod_ips);
  if (path == "status.hostIP") return first(in.host.ips);
  if (path == "status.hostIPs") return join(in.host.ips);
  auto from = [](const std::map<std::string, std::string>& m, const std::string& key) {
    auto i = m.find(key);
    return i == m.end() ? std::string{} : i->second;
  };
  if (auto key = subscript(path, "metadata.labels")) return from(p.labels, *key);
  if (auto key = subscript(path, "metadata.annotations")) return from(p.annotations, *key);
  return make_error(errc::invalid, "unsupported fieldPath: " + std::string{path});
}

caf::expected<std::string> resource_value(const resolve_context& in, const container_def& own,
                                          std::string_view container, std::string_view resource,
                                          std::string_view divisor) {
  const container_def* c = &own;
  if (!container.empty()) {
    auto& all = in.pod.containers;
    auto i = std::find_if(all.begin(), all.end(), [&](auto& x) { return x.name == container; });
    if (i == all.end()) return make_error(errc::not_found, "container " + std::string{container} + " not found");
    c = &*i;
  }
  auto d = kube::quantity::parse(divisor.empty() ? "1" : divisor).value_or(kube::quantity::from_value(1));
  bool limit = resource.substr(0, 7) == "limits.";
  auto& amounts = limit ? c->limits : c->requests;
  auto what = resource.substr(resource.find('.') + 1);
  int64_t value = 0, by = 1;
  if (what == "cpu") {
    value = amounts.cpu_milli >= 0 ? amounts.cpu_milli : limit ? in.host.cpu_milli : 0;
    by = d.milli();
  } else if (what == "memory" || what == "ephemeral-storage") {
    bool memory = what == "memory";
    value = memory ? amounts.memory_bytes : amounts.ephemeral_bytes;
    if (value < 0) value = limit ? (memory ? in.host.memory_bytes : in.host.ephemeral_bytes) : 0;
    by = d.value();
  } else {
    return make_error(errc::invalid, "unsupported container resource: " + std::string{resource});
  }
  by = std::max<int64_t>(by, 1);
  return std::to_string(value / by + (value % by != 0 ? 1 : 0));
}

caf::expected<environment> make_environment(const resolve_context& in, const container_def& c) {
  environment out;
  for (auto& from : c.env_from_all) {
    const auto* object = look_up(in.configs, from.config);
    if (object == nullptr && from.optional) continue;
    if (object == nullptr) return not_there(from.config);
    for (auto& [k, v] : object->data)
      if (k.find('=') == std::string::npos) set(out, from.prefix + k, v);
  }
  for (auto& e : c.env) {
    auto v = value_of(in, c, e, out);
    if (!v) return v.error();
    if (*v) set(out, e.name, std::move(**v));
  }
  return out;
}

}  // namespace skerry::pod
