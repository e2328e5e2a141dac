#pragma once
#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// The columnDefinitions of a resource's Table (meta.k8s.io/v1): name, type, format, description, priority.
json::array table_columns(const resource_info& info);

/// The cells of one object, one for each of info.columns, as kubectl prints them: Ready "1/2", Status
/// "CrashLoopBackOff", Age "5m".
json::array table_cells(const resource_info& info, const json::value& object, int64_t now_ms);

/// What kubectl shows in a pod's STATUS column: "Running", "ContainerCreating", "Init:0/1", "CrashLoopBackOff",
/// "Terminating", "Completed".
std::string pod_status(const json::value& pod);

}  // namespace skerry::kube
