#include "actors/link/digest.hpp"

#include <algorithm>
#include <boost/json/serializer.hpp>

namespace skerry::link {
namespace {

struct fnv {
  uint64_t h = 0xcbf29ce484222325ULL;
  void add(std::string_view text) {
    for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ULL;
  }
};

void add_value(fnv& f, const json::value& v) {
  json::serializer s;
  s.reset(&v);
  char buffer[1024];
  while (!s.done()) {
    auto part = s.read(buffer);
    f.add({part.data(), part.size()});
  }
}

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

}  // namespace

uint64_t intent_digest(const json::value& object) {
  fnv f;
  const auto* root = object.if_object();
  if (root == nullptr) return 1;
  for (const auto& member : *root) {
    if (member.key() == "status") continue;
    f.add(member.key());
    const auto* metadata = member.key() == "metadata" ? member.value().if_object() : nullptr;
    if (metadata == nullptr) {
      add_value(f, member.value());
      continue;
    }
    for (const auto& m : *metadata) {
      if (m.key() == "resourceVersion" || m.key() == "managedFields") continue;
      f.add(m.key());
      add_value(f, m.value());
    }
  }
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

}  // namespace skerry::link
