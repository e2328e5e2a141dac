#include "actors/api/target.hpp"

namespace skerry::api {
namespace {
constexpr std::string_view telemetry_group = "telemetry.skerry.io";

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    auto slash = path.find('/');
    auto part = path.substr(0, slash);
    if (!part.empty()) out.push_back(percent_decode(part, false));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return out;
}

/// What follows /api/v1 or /apis/<group>/<version>.
target parse_resource(std::vector<std::string> parts, std::string group, std::string version,
                      const kube::registry& registry) {
  using what = target::what;
  target t;
  t.group = std::move(group);
  t.version = std::move(version);
  auto at = parts.begin();
  if (at != parts.end() && *at == "watch") {
    t.watch_path = true;
    ++at;
  }
  auto left = [&] { return parts.end() - at; };
  if (left() == 0) return t;
  bool in_namespace = false;
  if (*at == "namespaces" && t.group.empty() && left() >= 3 && at[2] != "status" && at[2] != "finalize") {
    in_namespace = true;
  } else if (*at == "namespaces" && !t.group.empty() && left() >= 3) {
    in_namespace = true;
  }
  if (in_namespace) {
    t.ns = at[1];
    at += 2;
  }
  auto plural = *at++;
  if (left() > 0) t.name = *at++;
  if (left() > 0) t.subresource = *at++;
  if (left() > 0) return t;
  if (t.group == telemetry_group) {
    auto whole = t.version == "v1" && plural == "devices" && in_namespace && t.subresource == "samples";
    t.kind = whole ? what::samples : what::nothing;
    return t;
  }
  if (t.group == "authorization.k8s.io" || t.group == "authentication.k8s.io") {
    t.kind = t.version == "v1" && t.name.empty() ? what::review : what::nothing;
    t.name = plural;
    return t;
  }
  if (t.group.empty() && plural == "bindings" && in_namespace && t.name.empty()) {  // the old form of pods/x/binding
    plural = "pods";
    t.subresource = "binding";
  }
  t.info = registry.find(t.group, t.version, plural);
  if (t.info == nullptr || (in_namespace && !t.info->namespaced)) return t;
  if (!in_namespace && t.info->namespaced && !t.name.empty()) return t;
  t.kind = what::resource;
  return t;
}

bool serves(const kube::registry& registry, std::string_view group, std::string_view version) {
  for (const auto& r : registry.resources())
    if (r.group == group && (version.empty() || r.version == version)) return true;
  return (group == "authorization.k8s.io" || group == "authentication.k8s.io" || group == telemetry_group) &&
         (version.empty() || version == "v1");
}
}  // namespace

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
  }
  return out;
}

query::query(std::string_view text) {
  while (!text.empty()) {
    auto end = text.find('&');
    auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    auto equals = pair.find('=');
    pairs_.emplace_back(
        percent_decode(pair.substr(0, equals), true),
        equals == std::string_view::npos ? std::string{} : percent_decode(pair.substr(equals + 1), true));
  }
}

std::string_view query::get(std::string_view key) const {
  for (auto p = pairs_.rbegin(); p != pairs_.rend(); ++p)
    if (p->first == key) return p->second;
  return {};
}

bool query::has(std::string_view key) const {
  for (const auto& p : pairs_)
    if (p.first == key) return true;
  return false;
}

bool query::flag(std::string_view key) const {
  auto v = get(key);
  return has(key) && (v.empty() || v == "1" || v == "t" || v == "T" || v == "true" || v == "TRUE" || v == "True");
}

target parse_path(std::string_view path, const kube::registry& registry) {
  using what = target::what;
  auto parts = split(path);
  auto of = [](what kind) {
    target t;
    t.kind = kind;
    return t;
  };
  if (parts.empty()) return of(what::root);
  const auto& first = parts[0];
  auto rest = [&](size_t from) {
    return std::vector<std::string>{parts.begin() + static_cast<ptrdiff_t>(from), parts.end()};
  };
  if (first == "api") {
    if (parts.size() == 1) return of(what::api);
    if (parts[1] != "v1") return {};
    if (parts.size() > 2) return parse_resource(rest(2), "", "v1", registry);
    auto t = of(what::version);
    t.version = "v1";
    return t;
  }
  if (first == "apis") {
    if (parts.size() == 1) return of(what::apis);
    if (parts.size() > 3) return parse_resource(rest(3), parts[1], parts[2], registry);
    if (!serves(registry, parts[1], parts.size() == 3 ? parts[2] : "")) return {};
    auto t = of(parts.size() == 2 ? what::group : what::version);
    t.group = parts[1];
    if (parts.size() == 3) t.version = parts[2];
    return t;
  }
  if (first == "version" && parts.size() == 1) return of(what::server_version);
  if ((first == "healthz" || first == "livez" || first == "readyz") && parts.size() <= 2) {
    auto t = of(what::health);
    t.name = first;
    if (parts.size() == 2) t.subresource = parts[1];
    return t;
  }
  if (first == "openapi" && parts.size() == 2 && parts[1] == "v2") return of(what::open_api_2);
  if (first == "openapi" && parts.size() >= 2 && parts[1] == "v3") {
    auto t = of(what::open_api_3);
    for (size_t i = 2; i < parts.size(); ++i) t.name += (i > 2 ? "/" : "") + parts[i];
    return t;
  }
  return {};
}

}  // namespace skerry::api
