#include "actors/sdk/meta.hpp"

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "actors/controllers/meta.hpp"

namespace skerry::sdk {

void set_owner(json::value& child, const object& owner) {
  auto uid = store::uid_of(owner);
  controllers::strike_owner(child, uid);
  controllers::add_owner(child, controllers::owner_reference(store::parse(owner)));
}

std::vector<std::string> owner_uids(const object& o) {
  std::vector<std::string> out;
  for (auto owner : (*o).getOwners()) out.emplace_back(store::view_of(owner.getUid()));
  return out;
}

json::value make_event(const object& about, std::string_view type, std::string_view reason, std::string_view message,
                       std::string_view component, int64_t now_ms) {
  auto v = store::parse(about);
  auto ns = store::namespace_of(about);
  json::object subject{{"kind", string_at(v, "kind")},
                       {"apiVersion", string_at(v, "apiVersion")},
                       {"name", store::name_of(about)},
                       {"uid", store::uid_of(about)},
                       {"resourceVersion", string_at(v, "metadata.resourceVersion")}};
  if (!ns.empty()) subject["namespace"] = ns;
  auto at = format_time(now_ms);
  return json::object{{"apiVersion", "v1"},
                      {"kind", "Event"},
                      {"metadata", json::object{{"generateName", std::string{store::name_of(about)} + "-"},
                                                {"namespace", ns.empty() ? std::string_view{"default"} : ns}}},
                      {"involvedObject", std::move(subject)},
                      {"type", type},
                      {"reason", reason},
                      {"message", message},
                      {"source", json::object{{"component", component}}},
                      {"firstTimestamp", at},
                      {"lastTimestamp", at},
                      {"count", 1},
                      {"reportingComponent", component},
                      {"reportingInstance", ""}};
}

std::string annotation_of(const object& o, std::string_view name) {
  return std::string{controllers::annotation_at(store::parse(o), name)};
}

std::string digest_of(const json::value& v) {
  auto h = 0xcbf29ce484222325ULL;
  for (unsigned char c : json::serialize(v)) h = (h ^ c) * 0x100000001b3ULL;
  char out[20];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(h));
  return out;
}

}  // namespace skerry::sdk
