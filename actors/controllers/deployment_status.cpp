#include "actors/controllers/deployment_status.hpp"

#include <algorithm>

#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

namespace {

constexpr int64_t no_deadline = 2147483647;
constexpr std::string_view timed_out = "ProgressDeadlineExceeded";
constexpr std::string_view available = "NewReplicaSetAvailable";

const json::value* progressing(const json::value& status) {
  return find_condition(array_at(status, "conditions"), "Progressing");
}

bool advanced(const json::value& before, const json::value& after) {
  auto n = [](const json::value& s, std::string_view field) { return int_at(s, field); };
  return n(after, "updatedReplicas") > n(before, "updatedReplicas") ||
         n(after, "replicas") - n(after, "updatedReplicas") < n(before, "replicas") - n(before, "updatedReplicas") ||
         n(after, "readyReplicas") > n(before, "readyReplicas") ||
         n(after, "availableReplicas") > n(before, "availableReplicas");
}

bool deadline_passed(const json::value& deployment, const json::value& status, int64_t now_ms) {
  const auto* c = progressing(status);
  if (c == nullptr) return false;
  auto reason = string_at(*c, "reason");
  if (reason == available) return false;
  if (reason == timed_out) return true;
  auto from = parse_time(string_at(*c, "lastUpdateTime")).value_or(now_ms);
  return now_ms > from + int_at(deployment, "spec.progressDeadlineSeconds") * 1000;
}

std::string about(const json::value& deployment, std::string_view new_replicaset, std::string_view what) {
  std::string text = new_replicaset.empty() ? "Deployment \"" : "ReplicaSet \"";
  text += new_replicaset.empty() ? string_at(deployment, "metadata.name") : new_replicaset;
  text += "\" ";
  return text.append(what);
}

}  // namespace

void set_deployment_condition(json::value& status, std::string_view type, std::string_view value,
                              std::string_view reason, std::string_view message, int64_t now_ms) {
  auto& list = ensure(status, "conditions");
  if (!list.is_array()) list.emplace_array();
  auto stamp = format_time(now_ms);
  json::object c{{"type", type},     {"status", value},   {"lastUpdateTime", stamp}, {"lastTransitionTime", stamp},
                 {"reason", reason}, {"message", message}};
  for (auto& old : list.get_array()) {
    if (string_at(old, "type") != type) continue;
    if (string_at(old, "status") == value) {
      if (string_at(old, "reason") == reason) return;
      c["lastTransitionTime"] = string_at(old, "lastTransitionTime");
    }
    old = std::move(c);
    return;
  }
  list.get_array().push_back(std::move(c));
}

void remove_condition(json::value& status, std::string_view type) {
  auto* list = find(status, "conditions");
  if (list == nullptr || !list->is_array()) return;
  auto& a = list->get_array();
  for (size_t i = a.size(); i-- > 0;)
    if (string_at(a[i], "type") == type) a.erase(a.begin() + static_cast<std::ptrdiff_t>(i));
}

json::value calculate_status(const json::value& deployment, const deployment_counts& counts, int64_t max_unavailable,
                             int64_t now_ms) {
  json::value status = object_at(deployment, "status");
  auto& fields = status.get_object();
  auto put = [&](const char* name, int64_t n) {
    if (n != 0)
      fields[name] = n;
    else
      fields.erase(name);
  };
  put("observedGeneration", int_at(deployment, "metadata.generation"));
  put("replicas", counts.replicas);
  put("updatedReplicas", counts.updated);
  put("readyReplicas", counts.ready);
  put("availableReplicas", counts.available);
  put("unavailableReplicas", std::max<int64_t>(0, counts.spec - counts.available));
  auto wanted = int_at(deployment, "spec.replicas", 1);
  if (counts.available >= wanted - max_unavailable)
    set_deployment_condition(status, "Available", "True", "MinimumReplicasAvailable",
                             "Deployment has minimum availability.", now_ms);
  else
    set_deployment_condition(status, "Available", "False", "MinimumReplicasUnavailable",
                             "Deployment does not have minimum availability.", now_ms);
  return status;
}

bool has_progress_deadline(const json::value& deployment) {
  const auto* v = find(deployment, "spec.progressDeadlineSeconds");
  return v != nullptr && int_at(deployment, "spec.progressDeadlineSeconds") < no_deadline;
}

bool rollout_complete(const json::value& deployment, const json::value& status) {
  auto wanted = int_at(deployment, "spec.replicas", 1);
  return int_at(status, "updatedReplicas") == wanted && int_at(status, "replicas") == wanted &&
         int_at(status, "availableReplicas") == wanted &&
         int_at(status, "observedGeneration") >= int_at(deployment, "metadata.generation");
}

std::optional<int64_t> progress(const json::value& deployment, json::value& status, std::string_view new_replicaset,
                                int64_t now_ms) {
  if (!has_progress_deadline(deployment)) {
    remove_condition(status, "Progressing");
    return std::nullopt;
  }
  const auto* current = progressing(status);
  bool was_complete = int_at(status, "replicas") == int_at(status, "updatedReplicas") && current != nullptr &&
                      string_at(*current, "reason") == available;
  bool complete = rollout_complete(deployment, status);
  if (!was_complete) {
    if (complete) {
      set_deployment_condition(status, "Progressing", "True", available,
                               about(deployment, new_replicaset, "has successfully progressed."), now_ms);
    } else if (json::value before = object_at(deployment, "status"); advanced(before, status)) {
      // Each step renews lastUpdateTime, from which the deadline counts; so the condition is set anew.
      json::string transition;
      if (current != nullptr && string_at(*current, "status") == "True")
        transition = string_at(*current, "lastTransitionTime");
      remove_condition(status, "Progressing");
      set_deployment_condition(status, "Progressing", "True", "ReplicaSetUpdated",
                               about(deployment, new_replicaset, "is progressing."), now_ms);
      if (!transition.empty()) {
        auto& last = find(status, "conditions")->get_array().back();
        last.as_object()["lastTransitionTime"] = transition;
      }
    } else if (deadline_passed(deployment, status, now_ms)) {
      set_deployment_condition(status, "Progressing", "False", timed_out,
                               about(deployment, new_replicaset, "has timed out progressing."), now_ms);
    }
  }
  current = progressing(status);
  if (current == nullptr || complete || string_at(*current, "reason") == timed_out ||
      string_at(*current, "reason") == available)
    return std::nullopt;
  auto from = parse_time(string_at(*current, "lastUpdateTime")).value_or(now_ms);
  return std::max<int64_t>(0, from + int_at(deployment, "spec.progressDeadlineSeconds") * 1000 - now_ms) + 1000;
}

}  // namespace skerry::controllers
