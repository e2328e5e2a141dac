#include "actors/pod/pod_status.hpp"

#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "schema/limits.hpp"

namespace skerry::pod {
namespace {

using op = container_track::op;

json::object terminated(const ports::container_state& s) {
  json::object out;
  out["exitCode"] = s.exit_code;
  if (s.exit_code > 128 && s.exit_code < 128 + 65 && !s.oom_killed) out["signal"] = s.exit_code - 128;
  out["reason"] = s.oom_killed ? "OOMKilled" : s.exit_code == 0 ? "Completed" : "Error";
  if (!s.termination_message.empty()) out["message"] = s.termination_message;
  out["startedAt"] = s.started_ms > 0 ? json::value(format_time(s.started_ms)) : json::value(nullptr);
  out["finishedAt"] = s.finished_ms > 0 ? json::value(format_time(s.finished_ms)) : json::value(nullptr);
  if (!s.id.empty()) out["containerID"] = "skerry://" + s.id;
  return out;
}

json::object waiting(const pod_machine& m, size_t i) {
  auto& t = m.containers()[i];
  json::object out;
  if (!t.wait_reason.empty()) {
    out["reason"] = t.wait_reason;
    if (!t.wait_message.empty()) out["message"] = t.wait_message;
  } else {
    // As kubelet's convertToAPIContainerStatuses: of a pod with init containers also when those are done.
    out["reason"] = m.spec().init_count > 0 ? "PodInitializing" : "ContainerCreating";
  }
  return out;
}

/// The state that is shown: waiting with the last end in lastState while a restart is held back.
json::object container_status(const pod_machine& m, size_t i) {
  auto& t = m.containers()[i];
  auto& def = m.spec().containers[i];
  json::object state, last;
  bool held_back = t.exited() && !t.wait_reason.empty() && !m.ending() && !m.finished();
  if (t.running())
    state["running"] = json::object{{"startedAt", format_time(t.now->started_ms)}};
  else if (t.exited() && !held_back)
    state["terminated"] = terminated(*t.now);
  else
    state["waiting"] = waiting(m, i);
  if (held_back)
    last["terminated"] = terminated(*t.now);
  else if (t.last)
    last["terminated"] = terminated(*t.last);
  const auto* shown = t.now ? &*t.now : t.last ? &*t.last : nullptr;
  json::object out;
  out["name"] = def.name;
  out["state"] = std::move(state);
  out["lastState"] = std::move(last);
  out["ready"] = m.ready(i);
  out["restartCount"] = t.now ? t.now->attempt : t.attempt > 0 ? t.attempt - 1 : 0;
  out["image"] = def.image;
  out["imageID"] = t.image_id;
  if (shown != nullptr) out["containerID"] = "skerry://" + shown->id;
  out["started"] = t.running() && t.started;
  return out;
}

json::array ip_objects(const std::vector<std::string>& ips) {
  json::array out;
  for (auto& ip : ips) out.push_back(json::object{{"ip", ip}});
  return out;
}

std::string names_of(const std::vector<std::string>& all) {
  std::string out;
  for (auto& x : all) out += (out.empty() ? "" : " ") + x;
  return out;
}

std::vector<std::string> not_ready(const pod_machine& m, bool init) {
  std::vector<std::string> out;
  for (size_t i = 0; i < m.containers().size(); ++i) {
    auto& def = m.spec().containers[i];
    bool counts = init ? def.init : !def.init || def.sidecar;
    bool ok = init && def.sidecar ? m.containers()[i].started : m.ready(i);
    if (init && m.initialized()) ok = true;
    if (counts && !ok) out.push_back(def.name);
  }
  return out;
}

}  // namespace

std::string_view phase_of(const pod_machine& m) {
  if (!m.failed_reason().empty()) return "Failed";
  auto policy = m.spec().restart;
  for (size_t i = 0; i < m.spec().init_count; ++i) {
    auto& t = m.containers()[i];
    if (m.spec().containers[i].sidecar || m.initialized()) continue;
    if (t.exited() && t.now->exit_code != 0 && policy == restart_policy::never) return "Failed";
    if (!t.exited() || t.now->exit_code != 0) return "Pending";
  }
  size_t running = 0, waiting_count = 0, stopped = 0, succeeded = 0;
  for (size_t i = m.spec().init_count; i < m.containers().size(); ++i) {
    auto& t = m.containers()[i];
    if (t.running()) {
      ++running;
    } else if (t.exited()) {
      ++stopped;
      if (t.now->exit_code == 0) ++succeeded;
    } else if (t.last) {
      ++stopped;
    } else {
      ++waiting_count;
    }
  }
  if (m.finished()) return stopped > 0 && stopped == succeeded && waiting_count == 0 ? "Succeeded" : "Failed";
  if (waiting_count > 0) return "Pending";
  if (running > 0) return "Running";
  if (m.ending() && policy == restart_policy::always) return stopped == succeeded ? "Succeeded" : "Failed";
  if (policy == restart_policy::always) return "Running";
  if (stopped == succeeded) return "Succeeded";
  return policy == restart_policy::never ? "Failed" : "Running";
}

void pod_status::add_condition(json::array& out, const pod_machine& m, const char* type, bool value, int64_t wall_ms,
                               std::string reason, std::string message) {
  auto [i, added] = conditions_.try_emplace(type, prior_status::condition{value, wall_ms});
  if (!added && i->second.value != value) i->second = {value, wall_ms};
  json::object c;
  c["type"] = type;
  c["status"] = value ? "True" : "False";
  if (m.spec().generation > 0) c["observedGeneration"] = m.spec().generation;
  c["lastProbeTime"] = nullptr;
  c["lastTransitionTime"] = format_time(i->second.since_ms);
  if (!reason.empty()) c["reason"] = std::move(reason);
  if (!message.empty()) c["message"] = std::move(message);
  out.push_back(std::move(c));
}

json::array pod_status::conditions(const pod_machine& m, std::string_view phase, int64_t wall_ms) {
  json::array out;
  bool sandbox = m.sandbox() && m.sandbox()->ready;
  add_condition(out, m, "PodReadyToStartContainers", sandbox, wall_ms);
  auto not_initialized = not_ready(m, true);
  bool done = phase == "Succeeded" || phase == "Failed";
  if (phase == "Succeeded")
    add_condition(out, m, "Initialized", true, wall_ms, "PodCompleted");
  else if (not_initialized.empty())
    add_condition(out, m, "Initialized", true, wall_ms);
  else
    add_condition(out, m, "Initialized", false, wall_ms, "ContainersNotInitialized",
                  "containers with incomplete status: [" + names_of(not_initialized) + "]");
  auto waiting_for = not_ready(m, false);
  bool ready = !done && waiting_for.empty();
  std::string reason, message;
  if (done) {
    reason = phase == "Succeeded" ? "PodCompleted" : "PodFailed";
  } else if (!ready) {
    reason = "ContainersNotReady";
    message = "containers with unready status: [" + names_of(waiting_for) + "]";
  }
  std::vector<std::string> closed;
  for (auto& [type, open] : m.spec().readiness_gates)
    if (!open) closed.push_back(type);
  if (ready && !closed.empty())
    add_condition(out, m, "Ready", false, wall_ms, "ReadinessGatesNotReady",
                  "corresponding condition of pod readiness gate \"" + closed.front() + "\" is not \"True\"");
  else
    add_condition(out, m, "Ready", ready, wall_ms, reason, message);
  add_condition(out, m, "ContainersReady", ready, wall_ms, reason, message);
  if (m.spec().scheduled_ms > 0) conditions_["PodScheduled"] = {true, m.spec().scheduled_ms};
  add_condition(out, m, "PodScheduled", true, wall_ms);
  return out;
}

std::string pod_status::render(const pod_machine& m, int64_t wall_ms) {
  json::object s;
  if (m.spec().generation > 0) s["observedGeneration"] = m.spec().generation;
  auto phase = phase_of(m);
  s["phase"] = phase;
  s["conditions"] = conditions(m, phase, wall_ms);
  if (!m.failed_reason().empty()) {
    s["reason"] = m.failed_reason();
    s["message"] = m.failed_message();
  }
  auto& host_ips = m.host().ips;
  if (!host_ips.empty()) {
    s["hostIP"] = host_ips.front();
    s["hostIPs"] = ip_objects(host_ips);
  }
  const std::vector<std::string> none;
  auto& ips = m.spec().host_network ? host_ips : m.sandbox() ? m.sandbox()->ips : none;
  if (!ips.empty()) {
    s["podIP"] = ips.front();
    s["podIPs"] = ip_objects(ips);
  }
  s["startTime"] = format_time(m.start_ms());
  json::array init, app;
  for (size_t i = 0; i < m.containers().size(); ++i)
    (i < m.spec().init_count ? init : app).push_back(container_status(m, i));
  if (!init.empty()) s["initContainerStatuses"] = std::move(init);
  s["containerStatuses"] = std::move(app);
  s["qosClass"] = to_string(m.spec().qos);
  return json::serialize(s);
}

prior_status read_status(const json::value& status) {
  prior_status out;
  out.start_ms = parse_time(string_at(status, "startTime")).value_or(0);
  if (string_at(status, "phase") == "Failed") {
    out.reason = string_at(status, "reason");
    out.message = string_at(status, "message");
  }
  for (auto& c : array_at(status, "conditions"))
    out.conditions[std::string{string_at(c, "type")}] = {string_at(c, "status") == "True",
                                                         parse_time(string_at(c, "lastTransitionTime")).value_or(0)};
  for (const auto* list : {"initContainerStatuses", "containerStatuses"})
    for (auto& c : array_at(status, list)) {
      constexpr std::string_view scheme = "skerry://";
      std::string id{string_at(c, "containerID")};
      if (id.compare(0, scheme.size(), scheme) == 0) id.erase(0, scheme.size());
      out.containers[std::string{string_at(c, "name")}] = {id, bool_at(c, "ready"), bool_at(c, "started"),
                                                           static_cast<uint32_t>(int_at(c, "restartCount"))};
    }
  return out;
}

}  // namespace skerry::pod
