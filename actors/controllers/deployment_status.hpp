#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/json.hpp"

namespace skerry::controllers {

/// Sums over the ReplicaSets of a deployment.
struct deployment_counts {
  int64_t spec = 0;      ///< sum of spec.replicas
  int64_t replicas = 0;  ///< sum of status.replicas
  int64_t updated = 0;   ///< status.replicas of the new one
  int64_t ready = 0, available = 0;
};

/// Sets a condition as k8s deploymentutil.SetDeploymentCondition: nothing changes if status and reason are the same;
/// lastTransitionTime moves with the status alone, lastUpdateTime always.
void set_deployment_condition(json::value& status, std::string_view type, std::string_view value,
                              std::string_view reason, std::string_view message, int64_t now_ms);
void remove_condition(json::value& status, std::string_view type);

/// The status of `deployment` (conditions it has are kept) with these counts and the condition Available.
json::value calculate_status(const json::value& deployment, const deployment_counts& counts, int64_t max_unavailable,
                             int64_t now_ms);

/// Moves the condition Progressing on while a rollout goes (k8s deployment/progress.go, syncRolloutStatus):
/// ReplicaSetUpdated on each step, NewReplicaSetAvailable at its end, ProgressDeadlineExceeded after
/// spec.progressDeadlineSeconds without a step. `status` is the new status. Returns after how many milliseconds the
/// deadline is to be looked at again.
std::optional<int64_t> progress(const json::value& deployment, json::value& status, std::string_view new_replicaset,
                                int64_t now_ms);

/// True if all replicas are of the new template and available, as of this generation.
bool rollout_complete(const json::value& deployment, const json::value& status);

/// True if spec.progressDeadlineSeconds is set and finite.
bool has_progress_deadline(const json::value& deployment);

}  // namespace skerry::controllers
