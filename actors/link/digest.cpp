#include "actors/link/digest.hpp"

#include <algorithm>

namespace skerry::link {
namespace {

struct fnv {
  uint64_t h = 0xcbf29ce484222325ULL;
  void add(std::string_view text) {
    for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ULL;
  }
};

void add_name(std::vector<store::object_key>& out, const char* resource, std::string_view ns, std::string_view name) {
  if (!name.empty()) out.push_back({resource, std::string{ns}, std::string{name}});
}

void add_volume(std::vector<store::object_key>& out, std::string_view ns, const json::value& volume) {
  add_name(out, "configmaps", ns, string_at(volume, "configMap.name"));
  add_name(out, "secrets", ns, string_at(volume, "secret.secretName"));
  for (const auto& source : array_at(volume, "projected.sources")) {
    add_name(out, "configmaps", ns, string_at(source, "configMap.name"));
    add_name(out, "secrets", ns, string_at(source, "secret.name"));
  }
}

void add_container(std::vector<store::object_key>& out, std::string_view ns, const json::value& container) {
  for (const auto& e : array_at(container, "env")) {
    add_name(out, "configmaps", ns, string_at(e, "valueFrom.configMapKeyRef.name"));
    add_name(out, "secrets", ns, string_at(e, "valueFrom.secretKeyRef.name"));
  }
  for (const auto& e : array_at(container, "envFrom")) {
    add_name(out, "configmaps", ns, string_at(e, "configMapRef.name"));
    add_name(out, "secrets", ns, string_at(e, "secretRef.name"));
  }
}

/// Behind the string that begins at `at`.
size_t end_of_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

/// Behind the value that begins at `at`, in JSON that has no space between tokens.
size_t end_of_value(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    auto c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      continue;
    }
    if (depth == 0 && (c == '}' || c == ']' || c == ',')) break;
    depth += c == '{' || c == '[';
    depth -= c == '}' || c == ']';
    ++at;
  }
  return at;
}

/// Calls `visit(key, value)` with the text of each member of the object, keys as they are between their quotes.
template <class F>
void for_each_member(std::string_view object, F&& visit) {
  for (size_t at = 1; at < object.size() && object[at] == '"';) {
    auto key_end = end_of_string(object, at);
    if (key_end == object.size()) return;
    auto end = end_of_value(object, key_end + 1);
    visit(object.substr(at + 1, key_end - at - 2), object.substr(key_end + 1, end - key_end - 1));
    at = end + 1;
  }
}

}  // namespace

uint64_t intent_digest(std::string_view canonical) {
  fnv f;
  for_each_member(canonical, [&](std::string_view key, std::string_view value) {
    if (key == "status") return;
    f.add(key);
    if (key != "metadata" || !value.starts_with('{')) return f.add(value);
    for_each_member(value, [&](std::string_view k, std::string_view v) {
      if (k == "resourceVersion" || k == "managedFields") return;
      f.add(k);
      f.add(v);
    });
  });
  return f.h == 0 ? 1 : f.h;
}

std::vector<store::object_key> references_of(const json::value& pod) {
  std::vector<store::object_key> out;
  auto ns = string_at(pod, "metadata.namespace");
  for (const auto& v : array_at(pod, "spec.volumes")) add_volume(out, ns, v);
  for (const auto* list : {"spec.initContainers", "spec.containers", "spec.ephemeralContainers"})
    for (const auto& c : array_at(pod, list)) add_container(out, ns, c);
  for (const auto& s : array_at(pod, "spec.imagePullSecrets")) add_name(out, "secrets", ns, string_at(s, "name"));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<store::object_key> device_references_of(const json::value& device) {
  auto model = string_at(device, "spec.deviceModelRef.name");
  if (model.empty()) return {};
  return {{std::string{store::device_models_resource}, std::string{string_at(device, "metadata.namespace")},
           std::string{model}}};
}

}  // namespace skerry::link
