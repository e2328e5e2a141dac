#include "actors/controllers/events.hpp"

#include <cstdio>

#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

namespace {

constexpr size_t message_bytes_max = 1024;
constexpr size_t name_bytes_max = 253;

uint64_t fnv(uint64_t h, std::string_view text) {
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ULL;
  return (h ^ 0xff) * 0x100000001b3ULL;
}

/// "<object>.<16 hex of what is said>": stable for the same words about the same object from the same source.
std::string event_name(const json::value& subject, const occurrence& what, std::string_view component) {
  auto h = 0xcbf29ce484222325ULL;
  for (auto part : {string_at(subject, "kind"), string_at(subject, "metadata.uid"), what.type, what.reason,
                    std::string_view{what.message}, component})
    h = fnv(h, part);
  char hex[20];
  std::snprintf(hex, sizeof hex, ".%016llx", static_cast<unsigned long long>(h));
  std::string name{string_at(subject, "metadata.name").substr(0, name_bytes_max - 17)};
  return name + hex;
}

}  // namespace

void recorder::record(const store::view& v, const json::value& subject, const occurrence& what, const moment& now,
                      std::vector<store::change>& changes, int64_t repeat_ms) const {
  auto ns = string_at(subject, "metadata.namespace", "default");
  if (namespace_closed(v, ns)) return;
  auto name = event_name(subject, what, component_);
  auto stamp = format_time(now.now_ms);
  if (auto before = v.get(resources::events, ns, name)) {
    auto value = store::parse(before);
    auto last = parse_time(string_at(value, "lastTimestamp")).value_or(0);
    if (now.now_ms - last < repeat_ms) return;
    value.as_object()["count"] = int_at(value, "count", 1) + 1;
    value.as_object()["lastTimestamp"] = stamp;
    changes.push_back(update(before, std::move(value)));
    return;
  }
  for (const auto& c : changes)
    if (c.object.key.resource == resources::events && c.object.key.name == name) return;
  json::object about{{"kind", string_at(subject, "kind")},
                     {"namespace", ns},
                     {"name", string_at(subject, "metadata.name")},
                     {"uid", string_at(subject, "metadata.uid")},
                     {"apiVersion", string_at(subject, "apiVersion")},
                     {"resourceVersion", string_at(subject, "metadata.resourceVersion")}};
  if (string_at(subject, "metadata.namespace").empty()) about.erase("namespace");
  // kubectl describe looks for a node's events under the node's name as uid, as the kubelet writes them.
  if (string_at(subject, "kind") == "Node") about["uid"] = string_at(subject, "metadata.name");
  json::value event = json::object{{"apiVersion", "v1"},
                                   {"kind", "Event"},
                                   {"metadata", json::object{{"name", name}, {"namespace", ns}}},
                                   {"involvedObject", std::move(about)},
                                   {"reason", what.reason},
                                   {"message", std::string_view{what.message}.substr(0, message_bytes_max)},
                                   {"source", json::object{{"component", component_}}},
                                   {"firstTimestamp", stamp},
                                   {"lastTimestamp", stamp},
                                   {"count", 1},
                                   {"type", what.type},
                                   {"reportingComponent", component_},
                                   {"reportingInstance", ""}};
  changes.push_back(create(registry_, resources::events, ns, std::move(event), now));
}

}  // namespace skerry::controllers
