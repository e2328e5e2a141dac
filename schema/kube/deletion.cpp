#include "schema/kube/deletion.hpp"

#include <algorithm>

namespace skerry::kube {

namespace {

constexpr std::string_view foreground_finalizer = "foregroundDeletion";
constexpr std::string_view orphan_finalizer = "orphan";
constexpr int64_t default_grace_seconds = 30;

bool is_collector_finalizer(const json::value& v) {
  return v.is_string() && (v.get_string() == foreground_finalizer || v.get_string() == orphan_finalizer);
}

/// Makes metadata.finalizers say what `policy` asks for; returns true if that changed it.
bool apply_policy(json::value& object, propagation policy) {
  json::array wanted;
  const auto& present = array_at(object, "metadata.finalizers");
  for (const auto& f : present)
    if (!is_collector_finalizer(f)) wanted.push_back(f);
  if (policy == propagation::foreground) wanted.emplace_back(foreground_finalizer);
  if (policy == propagation::orphan) wanted.emplace_back(orphan_finalizer);
  auto same = [&] {
    return wanted.size() == present.size() && std::all_of(wanted.begin(), wanted.end(), [&](const json::value& f) {
             return std::find(present.begin(), present.end(), f) != present.end();
           });
  };
  if (same()) return false;
  auto& metadata = ensure(object, "metadata");
  if (!metadata.is_object()) metadata.emplace_object();
  if (wanted.empty())
    metadata.get_object().erase("finalizers");
  else
    metadata.get_object()["finalizers"] = std::move(wanted);
  return true;
}

/// Seconds that a pod gets for its end.
int64_t grace_of_pod(const json::value& pod, const deletion_request& request) {
  auto phase = string_at(pod, "status.phase");
  if (string_at(pod, "spec.nodeName").empty() || phase == "Succeeded" || phase == "Failed") return 0;
  auto grace = request.grace_seconds.value_or(int_at(pod, "spec.terminationGracePeriodSeconds", default_grace_seconds));
  return grace < 0 ? 1 : grace;
}

void stamp(json::value& object, int64_t deletion_ms, int64_t grace_seconds) {
  auto& metadata = ensure(object, "metadata");
  if (!metadata.is_object()) metadata.emplace_object();
  auto& fields = metadata.get_object();
  fields["deletionTimestamp"] = format_time(deletion_ms);
  fields["deletionGracePeriodSeconds"] = grace_seconds;
  if (auto generation = int_at(object, "metadata.generation"); generation > 0) fields["generation"] = generation + 1;
}

bool held(const json::value& object, std::string_view resource) {
  if (!array_at(object, "metadata.finalizers").empty()) return true;
  return resource == "namespaces" && !array_at(object, "spec.finalizers").empty();
}

}  // namespace

deletion_step begin_deletion(json::value& object, std::string_view resource, const deletion_request& request,
                             int64_t now_ms) {
  bool changed = request.policy.has_value() && apply_policy(object, *request.policy);
  auto grace = resource == "pods" ? grace_of_pod(object, request) : 0;
  auto begun = parse_time(string_at(object, "metadata.deletionTimestamp"));
  if (grace == 0 && !held(object, resource)) return deletion_step::remove;
  if (!begun) {
    stamp(object, now_ms + grace * 1000, grace);
    if (resource == "namespaces") ensure(object, "status.phase") = "Terminating";
    return deletion_step::update;
  }
  auto before = int_at(object, "metadata.deletionGracePeriodSeconds");
  if (grace < before) {
    stamp(object, *begun - before * 1000 + grace * 1000, grace);
    changed = true;
  }
  return changed ? deletion_step::update : deletion_step::unchanged;
}

bool deletion_complete(const json::value& object, std::string_view resource) {
  if (string_at(object, "metadata.deletionTimestamp").empty() || held(object, resource)) return false;
  return resource != "pods" || int_at(object, "metadata.deletionGracePeriodSeconds") == 0;
}

}  // namespace skerry::kube
