#include "actors/controllers/device_merge.hpp"

#include "actors/controllers/meta.hpp"
#include "schema/device/limits.hpp"
#include "schema/kube/equal.hpp"

namespace skerry::controllers {
namespace {

merged_fact drop(std::string why) { return {{}, std::move(why)}; }

/// At most so many bytes, whole characters.
json::string cut(std::string_view text) {
  auto size = std::min(text.size(), limits::device_text_bytes_max);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return json::string(text.substr(0, size));
}

/// A TwinProperty: a value, and metadata of at most 16 texts.
void take_property(const json::object& from, std::string_view key, json::object& to) {
  const auto* p = from.if_contains(key);
  const auto* o = p != nullptr ? p->if_object() : nullptr;
  const auto* value = o != nullptr ? o->if_contains("value") : nullptr;
  if (value == nullptr || !value->is_string()) return;
  json::object metadata;
  for (const auto& m : object_at(*p, "metadata"))
    if (m.value().is_string() && metadata.size() < 16) metadata[m.key()] = cut(m.value().get_string());
  json::object out{{"value", cut(value->get_string())}};
  if (!metadata.empty()) out["metadata"] = std::move(metadata);
  to[key] = std::move(out);
}

/// What of a stated status is taken over.
json::object taken(const json::value& stated) {
  json::object out;
  for (const auto* key : {"state", "lastOnlineTime"})
    if (auto text = string_at(stated, key); !text.empty()) out[key] = cut(text);
  json::array twins;
  for (const auto& t : array_at(stated, "twins")) {
    const auto* o = t.if_object();
    auto name = string_at(t, "propertyName");
    if (o == nullptr || name.empty() || twins.size() == limits::device_properties_max) continue;
    json::object twin{{"propertyName", cut(name)}};
    take_property(*o, "reported", twin);
    take_property(*o, "observedDesired", twin);
    twins.push_back(std::move(twin));
  }
  out["twins"] = std::move(twins);
  json::object extensions;
  for (const auto& e : object_at(stated, "extensions"))
    if (e.value().is_string() && extensions.size() < 16) extensions[e.key()] = cut(e.value().get_string());
  if (!extensions.empty()) out["extensions"] = std::move(extensions);
  return out;
}

json::value new_status(const store::object& device, const json::value& stored, const json::object& status) {
  json::value out = json::object{
      {"metadata", json::object{{"name", store::name_of(device)}}}, {"spec", json::object{}}, {"status", status}};
  add_owner(out, owner_reference(stored));
  return out;
}

}  // namespace

merged_fact merge_device_status(const store::view& v, const kube::registry& registry, const std::string& node,
                                const link::fact_data& fact, const moment& now) {
  const auto label = "device " + fact.pod.ns + "/" + fact.pod.name;
  auto device = v.get(store::devices_resource, fact.pod.ns, fact.pod.name);
  if (!device || store::uid_of(device) != fact.pod.uid) return {};  // gone, or another one by now: of no interest
  if (store::node_of(device) != node)
    return drop(label + " is placed on node " + std::string{store::node_of(device)} + ", not on " + node);
  std::string why;
  auto stated = parse_json(fact.json, why);
  if (why.empty() && !stated.is_object()) why = "it is not a JSON object";
  if (!why.empty()) return drop("status of " + label + ": " + why);
  auto status = taken(stated);
  merged_fact out;
  auto value = store::parse(device);
  auto& slot = ensure(value, "status");
  if (json::value next = status; !kube::equal(slot, next)) {
    slot = std::move(next);
    out.changes.push_back(update(device, value));
  }
  auto stored = v.get(store::device_statuses_resource, fact.pod.ns, fact.pod.name);
  if (!stored) {
    if (deleting(device) || namespace_closed(v, fact.pod.ns)) return out;
    out.changes.push_back(
        create(registry, store::device_statuses_resource, fact.pod.ns, new_status(device, value, status), now));
    return out;
  }
  auto before = store::parse(stored);
  // One that an earlier device of the name left behind becomes this one's, before the garbage collector finds it.
  auto owner = controller_of(stored);
  auto adopt = !owner || owner->uid != fact.pod.uid;
  if (adopt) {
    ensure(before, "metadata.ownerReferences").emplace_array();
    add_owner(before, owner_reference(value));
  }
  auto& old = ensure(before, "status");
  json::value next = std::move(status);
  if (!adopt && kube::equal(old, next)) return out;
  old = std::move(next);
  out.changes.push_back(update(stored, std::move(before)));
  return out;
}

}  // namespace skerry::controllers
