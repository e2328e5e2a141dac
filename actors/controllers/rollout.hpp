#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/json.hpp"

namespace skerry::controllers {

/// One ReplicaSet of a deployment, as numbers.
struct replicaset_size {
  std::string name;
  int64_t created_ms = 0;
  int64_t spec = 0;       ///< spec.replicas
  int64_t pods = 0;       ///< pods that are there and not on their way out
  int64_t ready = 0;      ///< status.readyReplicas
  int64_t available = 0;  ///< status.availableReplicas
  std::optional<int64_t>
      max_before;  ///< deployment.kubernetes.io/max-replicas: what the deployment allowed when it was last scaled

  /// Pods that it holds or will make: what counts against maxSurge.
  int64_t size() const { return std::max(spec, pods); }
  /// Pods that serve, and still will when it has gone down to its spec: what counts for maxUnavailable.
  int64_t serving() const { return std::min({available, spec, pods}); }
};

/// What a deployment allows itself while it changes.
struct rollout_limits {
  int64_t replicas = 0;
  int64_t max_surge = 0;
  int64_t max_unavailable = 0;

  int64_t total_max() const { return replicas > 0 ? replicas + max_surge : 0; }
  int64_t available_min() const { return replicas - max_unavailable; }
};

/// Reads spec.replicas and spec.strategy.rollingUpdate: integers or percentages of replicas, surge rounded up,
/// unavailable rounded down; if both come to 0, one may be unavailable (k8s deploymentutil.ResolveFenceposts).
/// Recreate: 0 and 0.
rollout_limits limits_of(const json::value& deployment);

/// A new spec.replicas for one of the sets.
struct resize {
  size_t index = 0;
  int64_t replicas = 0;
};

/// Next step of a rolling update: first the new set (index 0; it must exist) up as far as maxSurge lets it, else the
/// old ones (1...) down as far as maxUnavailable lets them, the unhealthy first, then the oldest (k8s
/// deployment/rolling.go). Counts pods as they are, so that neither bound is broken while sets catch up with their
/// spec. Empty: nothing to do now.
std::vector<resize> rolling_step(const std::vector<replicaset_size>& sets, const rollout_limits& limits);

/// Spreads a change of spec.replicas over several sets in proportion to their sizes, the rounding's rest to the largest
/// (k8s deployment/sync.go, scale). `newest` is the index of the new set, if there is one.
std::vector<resize> proportional_step(const std::vector<replicaset_size>& sets, std::optional<size_t> newest,
                                      const rollout_limits& limits, int64_t status_replicas);

}  // namespace skerry::controllers
