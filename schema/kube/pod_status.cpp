#include "schema/kube/table.hpp"
#include "schema/kube/value.hpp"

// As printPod in k8s.io/kubernetes/pkg/printers/internalversion/printers.go.
namespace skerry::kube {
namespace {

std::string ended(const json::object& terminated) {
  auto reason = text_in(terminated, "reason");
  if (!reason.empty()) return std::string{reason};
  if (auto signal = integer_in(terminated, "signal"); signal != 0) return "Signal:" + std::to_string(signal);
  return "ExitCode:" + std::to_string(integer_in(terminated, "exitCode"));
}

const json::object* state_of(const json::value& status, std::string_view state) {
  const auto* v = find(status, state);
  return v != nullptr ? v->if_object() : nullptr;
}

bool is_sidecar(const json::value& pod, std::string_view name) {
  for (const auto& c : array_at(pod, "spec.initContainers"))
    if (string_at(c, "name") == name) return string_at(c, "restartPolicy") == "Always";
  return false;
}

/// What the init containers say, or empty if they are done.
std::string init_status(const json::value& pod) {
  const auto& list = array_at(pod, "status.initContainerStatuses");
  for (size_t i = 0; i < list.size(); ++i) {
    const auto& s = list[i];
    const auto* terminated = state_of(s, "state.terminated");
    if (terminated != nullptr && integer_in(*terminated, "exitCode") == 0) continue;
    if (is_sidecar(pod, string_at(s, "name")) && bool_at(s, "started")) continue;
    if (terminated != nullptr) return "Init:" + ended(*terminated);
    auto waiting = string_at(s, "state.waiting.reason");
    if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + std::string{waiting};
    return "Init:" + std::to_string(i) + "/" + std::to_string(array_at(pod, "spec.initContainers").size());
  }
  return {};
}

bool has_ready_condition(const json::value& pod) {
  for (const auto& c : array_at(pod, "status.conditions"))
    if (string_at(c, "type") == "Ready" && string_at(c, "status") == "True") return true;
  return false;
}

}  // namespace

std::string pod_status(const json::value& pod) {
  auto phase = string_at(pod, "status.phase");
  std::string out{string_at(pod, "status.reason", phase)};
  for (const auto& c : array_at(pod, "status.conditions"))
    if (string_at(c, "type") == "PodScheduled" && string_at(c, "reason") == "SchedulingGated") out = "SchedulingGated";
  auto init = init_status(pod);
  if (!init.empty()) {
    out = init;
  } else {
    bool running = false;
    const auto& list = array_at(pod, "status.containerStatuses");
    for (size_t i = list.size(); i-- > 0;) {
      const auto& s = list[i];
      const auto* terminated = state_of(s, "state.terminated");
      if (auto waiting = string_at(s, "state.waiting.reason"); !waiting.empty())
        out = waiting;
      else if (terminated != nullptr)
        out = ended(*terminated);
      else if (bool_at(s, "ready") && state_of(s, "state.running") != nullptr)
        running = true;
    }
    if (out == "Completed" && running) out = has_ready_condition(pod) ? "Running" : "NotReady";
  }
  if (!string_at(pod, "metadata.deletionTimestamp").empty()) {
    if (string_at(pod, "status.reason") == "NodeLost")
      out = "Unknown";
    else if (phase != "Succeeded" && phase != "Failed")
      out = "Terminating";
  }
  return out;
}

}  // namespace skerry::kube
