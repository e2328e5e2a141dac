#pragma once
#include "actors/pod/environment.hpp"

namespace skerry::pod {

/// What the runtime is asked to start: environment, arguments expanded, mounts, resources as kubelet turns them into
/// cgroup values, security context. Errors: those of make_environment, and errc::invalid for a mount or a user that the
/// pod's own rules forbid.
caf::expected<ports::container_spec> build_container(const resolve_context& in, const container_def& c,
                                                     uint32_t attempt);

/// The pod's sandbox: hostname, DNS, host ports.
ports::sandbox_spec build_sandbox(const pod_spec& pod, const host_facts& host);

/// oom_score_adj by quality of service (kubernetes/pkg/kubelet/qos: Guaranteed -997, BestEffort 1000, Burstable by
/// request).
int oom_score_adjust(const pod_spec& pod, const container_def& c, int64_t memory_capacity_bytes);

}  // namespace skerry::pod
