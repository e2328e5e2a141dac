#include "actors/controllers/fact_merge.hpp"

#include "actors/controllers/device_merge.hpp"
#include "actors/controllers/meta.hpp"
#include "schema/kube/equal.hpp"
#include "schema/kube/stamp.hpp"

namespace skerry::controllers {
namespace {

constexpr int64_t heartbeat_ms = 5 * 60 * 1000;
constexpr std::string_view restricted = "node-restriction.kubernetes.io";

merged_fact one(store::change c) {
  merged_fact out;
  out.changes.push_back(std::move(c));
  return out;
}
merged_fact drop(std::string why) { return {{}, std::move(why)}; }

std::string text(std::string_view s) { return std::string{s}; }

/// Parses a JSON object, or says why not.
json::value parse_object(const std::string& body, std::string& why) {
  auto v = parse_json(body, why);
  if (why.empty() && !v.is_object()) why = "it is not a JSON object";
  return v;
}

/// Adds to `status.conditions` those of `before` whose type it does not state.
void keep_foreign_conditions(const json::value& before, json::value& status) {
  const auto& old = array_at(before, "status.conditions");
  auto& now = ensure(status, "conditions");
  if (!now.is_array()) now.emplace_array();
  auto& list = now.get_array();
  auto own = list.size();
  for (const auto& c : old) {
    auto type = string_at(c, "type");
    auto stated = false;
    for (size_t i = 0; i < own; ++i) stated = stated || string_at(list[i], "type") == type;
    if (!stated) list.push_back(c);
  }
  if (list.empty()) status.get_object().erase("conditions");
}

/// The pod that the fact is about, if the node may speak of it.
store::object pod_of(const store::view& v, const std::string& node, const link::pod_ref& ref, std::string& why) {
  auto pod = v.get(resources::pods, ref.ns, ref.name);
  if (!pod || store::uid_of(pod) != ref.uid) return {};
  if (store::node_of(pod) == node) return pod;
  why = "pod " + ref.ns + "/" + ref.name + " is bound to node " + text(store::node_of(pod)) + ", not to " + node;
  return {};
}

merged_fact merge_pod_status(const store::view& v, const std::string& node, const link::fact_data& fact) {
  std::string why;
  auto pod = pod_of(v, node, fact.pod, why);
  if (!pod) return drop(why);  // gone, or another one by now: of no interest
  auto status = parse_object(fact.json, why);
  if (!why.empty()) return drop("status of pod " + fact.pod.ns + "/" + fact.pod.name + ": " + why);
  auto value = store::parse(pod);
  keep_foreign_conditions(value, status);
  for (const auto* kept : {"qosClass", "nominatedNodeName"})
    if (const auto* old = find(value, text("status.") + kept); old != nullptr && !status.get_object().contains(kept))
      status.get_object()[kept] = *old;
  auto& slot = ensure(value, "status");
  if (kube::equal(slot, status)) return {};
  slot = std::move(status);
  return one(update(pod, std::move(value)));
}

merged_fact merge_pod_gone(const store::view& v, const std::string& node, const link::fact_data& fact) {
  std::string why;
  auto pod = pod_of(v, node, fact.pod, why);
  if (!pod) return drop(why);
  if (!deleting(pod))
    return drop("pod " + fact.pod.ns + "/" + fact.pod.name + " is said to be gone, and nobody deleted it");
  auto value = store::parse(pod);
  if (int_at(value, "metadata.deletionGracePeriodSeconds", -1) == 0 && !array_at(value, "metadata.finalizers").empty())
    return {};
  ensure(value, "metadata.deletionGracePeriodSeconds") = 0;
  return one(update_or_remove(pod, std::move(value)));
}

/// Conditions keep their time of transition while their status stays; a changed one gets `now`.
void keep_transitions(const json::value& before, json::value& status, int64_t now_ms) {
  auto* conditions = find(status, "conditions");
  if (conditions == nullptr || !conditions->is_array()) return;
  const auto& old = array_at(before, "status.conditions");
  for (auto& c : conditions->get_array()) {
    if (!c.is_object()) continue;
    const auto* was = find_condition(old, string_at(c, "type"));
    if (was == nullptr) continue;
    auto since = string_at(*was, "lastTransitionTime");
    auto same = string_at(*was, "status") == string_at(c, "status") && !since.empty();
    c.get_object()["lastTransitionTime"] = same ? text(since) : format_time(now_ms);
  }
}

json::value without_heartbeats(json::value status) {
  auto* conditions = find(status, "conditions");
  if (conditions != nullptr && conditions->is_array())
    for (auto& c : conditions->get_array())
      if (c.is_object()) c.get_object().erase("lastHeartbeatTime");
  return status;
}

int64_t oldest_heartbeat_ms(const json::value& status) {
  int64_t oldest = INT64_MAX;
  for (const auto& c : array_at(status, "conditions"))
    if (auto at = parse_time(string_at(c, "lastHeartbeatTime"))) oldest = std::min(oldest, *at);
  return oldest;
}

/// Puts the node's own labels and annotations; true if that changed something. Others stay.
bool put_own_metadata(const json::value& own, json::value& object) {
  auto changed = false;
  for (const auto* map : {"labels", "annotations"})
    for (const auto& m : object_at(own, map)) {
      auto domain = std::string_view{m.key()}.substr(0, std::string_view{m.key()}.find('/'));
      if (!m.value().is_string() || domain.ends_with(restricted)) continue;
      auto& slot = ensure(object, text("metadata.") + map);
      if (!slot.is_object()) slot.emplace_object();
      auto& value = slot.get_object()[m.key()];
      if (value == m.value()) continue;
      value = m.value();
      changed = true;
    }
  return changed;
}

json::value new_node(const std::string& node, const json::value& own, json::value status) {
  json::value out = json::object{{"metadata", json::object{{"name", node}}}, {"spec", json::object{}}};
  auto& labels = ensure(out, "metadata.labels").emplace_object();
  labels["kubernetes.io/hostname"] = node;
  auto system = string_at(status, "nodeInfo.operatingSystem", "linux");
  auto machine = string_at(status, "nodeInfo.architecture");
  labels["kubernetes.io/os"] = system;
  if (!machine.empty()) labels["kubernetes.io/arch"] = machine;
  put_own_metadata(own, out);
  out.get_object()["status"] = std::move(status);
  return out;
}

merged_fact merge_node_status(const store::view& v, const kube::registry& registry, const std::string& node,
                              const link::fact_data& fact, const moment& now) {
  std::string why;
  auto status = parse_object(fact.json, why);
  if (!why.empty()) return drop("status of node " + node + ": " + why);
  json::value own = object_at(status, "metadata");
  status.get_object().erase("metadata");
  auto stored = v.get(resources::nodes, {}, node);
  if (!stored) return one(create(registry, resources::nodes, {}, new_node(node, own, std::move(status)), now));
  auto value = store::parse(stored);
  keep_foreign_conditions(value, status);
  keep_transitions(value, status, now.now_ms);
  auto& slot = ensure(value, "status");
  auto quiet =
      without_heartbeats(slot) == without_heartbeats(status) && now.now_ms - oldest_heartbeat_ms(slot) < heartbeat_ms;
  if (!put_own_metadata(own, value) && quiet) return {};
  ensure(value, "status") = std::move(status);
  return one(update(stored, std::move(value)));
}

/// May the node speak of what the event is about?
bool concerns(const store::view& v, const std::string& node, const json::value& event) {
  auto kind = string_at(event, "involvedObject.kind");
  auto name = string_at(event, "involvedObject.name");
  if (kind == "Node") return name == node;
  if (kind != "Pod" && kind != "Device") return false;
  auto pod = v.get(kind == "Pod" ? resources::pods : store::devices_resource,
                   string_at(event, "involvedObject.namespace"), name);
  return pod && store::node_of(pod) == node &&
         string_at(event, "involvedObject.namespace") == string_at(event, "metadata.namespace");
}

merged_fact merge_event(const store::view& v, const kube::registry& registry, const std::string& node,
                        const link::fact_data& fact, const moment& now) {
  std::string why;
  auto event = parse_object(fact.json, why);
  if (!why.empty()) return drop("an event: " + why);
  auto ns = text(string_at(event, "metadata.namespace"));
  auto name = text(string_at(event, "metadata.name"));
  if (ns.empty() || name.empty()) return drop("an event without namespace or name");
  if (!concerns(v, node, event))
    return drop("event " + ns + "/" + name + " is about something that is not on node " + node);
  auto stored = v.get(resources::events, ns, name);
  if (!stored) {
    if (namespace_closed(v, ns)) return drop("event " + ns + "/" + name + ": its namespace is gone");
    return one(create(registry, resources::events, ns, std::move(event), now));
  }
  auto before = store::parse(stored);
  if (int_at(before, "count") > int_at(event, "count")) return {};  // an older one of the same, sent again
  if (const auto* info = registry.find_id(resources::events)) kube::prepare_update(*info, before, event);
  for (const auto* kept : {"apiVersion", "kind"}) event.get_object()[kept] = string_at(before, kept);
  if (kube::same_content(before, event)) return {};
  return one(update(stored, std::move(event)));
}

}  // namespace

merged_fact merge_fact(const store::view& v, const kube::registry& registry, const std::string& node,
                       const link::fact_data& fact, const moment& now) {
  switch (fact.what) {
    case link::fact_kind::pod_status:
      return merge_pod_status(v, node, fact);
    case link::fact_kind::pod_gone:
      return merge_pod_gone(v, node, fact);
    case link::fact_kind::node_status:
      return merge_node_status(v, registry, node, fact, now);
    case link::fact_kind::event:
      return merge_event(v, registry, node, fact, now);
    case link::fact_kind::device_status:
      return merge_device_status(v, registry, node, fact, now);
  }
  return drop("a fact of a kind that this version does not know");
}

}  // namespace skerry::controllers
