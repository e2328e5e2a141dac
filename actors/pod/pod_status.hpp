#pragma once
#include "actors/pod/pod_machine.hpp"

namespace skerry::pod {

/// Builds core/v1 PodStatus of a machine, as kubelet reports it, and remembers since when each condition holds.
class pod_status {
public:
  explicit pod_status(const prior_status& prior) : conditions_(prior.conditions) {}

  /// The status as JSON text. Equal states give equal texts: compare to know whether there is news.
  std::string render(const pod_machine& m, int64_t wall_ms);

private:
  void add_condition(json::array& out, const pod_machine& m, const char* type, bool value, int64_t wall_ms,
                     std::string reason = {}, std::string message = {});
  json::array conditions(const pod_machine& m, std::string_view phase, int64_t wall_ms);

  std::map<std::string, prior_status::condition> conditions_;
};

/// status.phase by kubelet's rules (pkg/kubelet/kubelet_pods.go, getPhase).
std::string_view phase_of(const pod_machine& m);

/// Reads back what `render` wrote.
prior_status read_status(const json::value& status);

}  // namespace skerry::pod
