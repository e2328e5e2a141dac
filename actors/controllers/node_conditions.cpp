#include "actors/controllers/node_conditions.hpp"

#include <algorithm>
#include <array>

#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

namespace {

constexpr std::array<std::string_view, 4> watched{"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};
constexpr std::string_view unheard = "NodeStatusUnknown";
constexpr std::string_view never = "NodeStatusNeverUpdated";

struct rule {
  std::string_view condition, status, taint;
};
constexpr std::array<rule, 6> rules{{{"Ready", "False", "node.kubernetes.io/not-ready"},
                                     {"Ready", "Unknown", "node.kubernetes.io/unreachable"},
                                     {"MemoryPressure", "True", "node.kubernetes.io/memory-pressure"},
                                     {"DiskPressure", "True", "node.kubernetes.io/disk-pressure"},
                                     {"PIDPressure", "True", "node.kubernetes.io/pid-pressure"},
                                     {"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"}}};
constexpr std::string_view cordon = "node.kubernetes.io/unschedulable";

json::array& conditions_of(json::value& node) {
  auto& list = ensure(node, "status.conditions");
  if (!list.is_array()) list.emplace_array();
  return list.get_array();
}

bool is_ours(const json::value& taint) {
  auto key = string_at(taint, "key");
  return string_at(taint, "effect") == "NoSchedule" &&
         (key == cordon || std::any_of(rules.begin(), rules.end(), [&](const rule& r) { return r.taint == key; }));
}

}  // namespace

bool mark_unheard(json::value& node, int64_t now_ms) {
  bool changed = false;
  auto& conditions = conditions_of(node);
  auto stamp = format_time(now_ms);
  for (auto type : watched) {
    auto i = std::find_if(conditions.begin(), conditions.end(),
                          [&](const json::value& c) { return string_at(c, "type") == type; });
    if (i == conditions.end()) {
      conditions.push_back(json::object{{"type", type},
                                        {"status", "Unknown"},
                                        {"lastHeartbeatTime", string_at(node, "metadata.creationTimestamp", stamp)},
                                        {"lastTransitionTime", stamp},
                                        {"reason", never},
                                        {"message", "Kubelet never posted node status."}});
      changed = true;
    } else if (string_at(*i, "status") != "Unknown") {
      auto& c = i->as_object();
      c["status"] = "Unknown";
      c["reason"] = unheard;
      c["message"] = "Kubelet stopped posting node status.";
      c["lastTransitionTime"] = stamp;
      changed = true;
    }
  }
  return changed;
}

bool is_marked_unheard(const json::value& node) {
  const auto* c = find_condition(array_at(node, "status.conditions"), "Ready");
  return c != nullptr && string_at(*c, "status") == "Unknown" && string_at(*c, "reason") == unheard;
}

void restore_conditions(json::value& node, const json::array& before, int64_t now_ms) {
  auto stamp = format_time(now_ms);
  for (auto& c : conditions_of(node)) {
    const auto* old = find_condition(before, string_at(c, "type"));
    if (old == nullptr || string_at(c, "reason") != unheard) continue;
    c = *old;
    c.as_object()["lastTransitionTime"] = stamp;
    c.as_object()["lastHeartbeatTime"] = stamp;
  }
}

bool sync_taints(json::value& node) {
  json::array wanted;
  for (const auto& t : array_at(node, "spec.taints"))
    if (!is_ours(t)) wanted.push_back(t);
  auto want = [&](std::string_view key) {
    for (const auto& t : array_at(node, "spec.taints"))
      if (is_ours(t) && string_at(t, "key") == key) return wanted.push_back(t);
    wanted.push_back(json::object{{"key", key}, {"effect", "NoSchedule"}});
  };
  if (bool_at(node, "spec.unschedulable")) want(cordon);
  const auto& conditions = array_at(node, "status.conditions");
  for (const auto& r : rules) {
    const auto* c = find_condition(conditions, r.condition);
    auto status = c != nullptr ? string_at(*c, "status") : r.condition == "Ready" ? "False" : std::string_view{};
    if (status == r.status) want(r.taint);
  }
  const auto& present = array_at(node, "spec.taints");
  if (present.size() == wanted.size() && std::all_of(wanted.begin(), wanted.end(), [&](const json::value& t) {
        return std::find(present.begin(), present.end(), t) != present.end();
      }))
    return false;
  auto& spec = ensure(node, "spec");
  if (!spec.is_object()) spec.emplace_object();
  if (wanted.empty())
    spec.get_object().erase("taints");
  else
    spec.get_object()["taints"] = std::move(wanted);
  return true;
}

}  // namespace skerry::controllers
