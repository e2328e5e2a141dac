#include <algorithm>

#include "actors/pod/container_build.hpp"
#include "actors/pod/pod_machine.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::pod {

using op = container_track::op;

bool pod_machine::should_restart(size_t i) const {
  auto& def = spec_->containers[i];
  auto& t = tracks_[i];
  if (!t.exited()) return false;
  if (def.sidecar) return true;
  bool failed = t.now->exit_code != 0;
  if (def.init) return failed && spec_->restart != restart_policy::never;
  if (t.hash != hash_of(def)) return true;  // its definition changed: the new one has never run
  return spec_->restart == restart_policy::always || (failed && spec_->restart == restart_policy::on_failure);
}

bool pod_machine::finished() const {
  if (!failed_reason_.empty())
    return std::none_of(tracks_.begin(), tracks_.end(),
                        [](auto& t) { return t.running() || t.doing == op::start || t.doing == op::stop; });
  for (size_t i = 0; i < spec_->init_count; ++i)
    if (!spec_->containers[i].sidecar && tracks_[i].exited() && tracks_[i].now->exit_code != 0 &&
        spec_->restart == restart_policy::never)
      return true;
  bool all_done = true, any = false;
  for (size_t i = spec_->init_count; i < tracks_.size(); ++i) {
    any = any || tracks_[i].exited();
    if (!tracks_[i].exited() || should_restart(i)) all_done = false;
  }
  if (any && all_done) return true;
  // kubelet does not make a new sandbox for a pod that never restarts and has run
  return had_containers_ && spec_->restart == restart_policy::never;
}

void pod_machine::advance_containers() {
  if (!initialized_ && !advance_init()) return;
  initialized_ = true;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    auto& def = spec_->containers[i];
    auto& t = tracks_[i];
    if (def.init && !def.sidecar) continue;
    if (t.running() && !t.stop_wanted && t.hash != hash_of(def))
      begin_stop(i, spec_->grace_s * 1000, "Container " + def.name + " definition changed, will be restarted");
    if (t.doing == op::start || t.doing == op::post_start || t.doing == op::image) return;  // in order
    if (t.running() || (t.now && !should_restart(i))) continue;
    if (try_start(i) == start_outcome::busy) return;
  }
}

/// True when all init containers have done their part.
bool pod_machine::advance_init() {
  for (size_t i = 0; i < spec_->init_count; ++i) {
    auto& def = spec_->containers[i];
    auto& t = tracks_[i];
    if (def.sidecar && t.running() && t.started) continue;
    if (!def.sidecar && t.exited() && t.now->exit_code == 0) continue;
    if (t.doing != op::none || t.running()) return false;
    if (t.now && !should_restart(i)) return false;
    try_start(i);
    return false;
  }
  return true;
}

/// The pod's own containers are done: its sidecars go.
void pod_machine::advance_sidecar_stop() {
  for (size_t i = 0; i < spec_->init_count; ++i)
    if (tracks_[i].running() && !tracks_[i].stop_wanted)
      begin_stop(i, spec_->grace_s * 1000, "Stopping container " + spec_->containers[i].name);
}

void pod_machine::want_image(size_t i) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (t.doing != op::none || t.image_known) return;
  if (t.wait_until_ms > now_.steady_ms) {
    if (t.wait_reason == "ErrImagePull" && t.settle_ms > now_.steady_ms) {
      wake_at(t.settle_ms);
      return;
    }
    if (t.wait_reason == "ErrImagePull") {  // told once as it is, then as a back-off, as kubelet does
      t.wait_reason = "ImagePullBackOff";
      t.wait_message = "Back-off pulling image \"" + def.image + "\": " + t.wait_message;
      record(false, "BackOff", "Back-off pulling image \"" + def.image + "\"", &def);
    }
    wake_at(t.wait_until_ms);
    return;
  }
  t.doing = op::image;
  if (def.pull == ports::pull_policy::always) record(false, "Pulling", "Pulling image \"" + def.image + "\"", &def);
  out_.push_back(ask::image{i, def.image, def.pull});
}

pod_machine::start_outcome pod_machine::try_start(size_t i) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (t.doing != op::none) return start_outcome::busy;
  if (!t.image_known) {
    want_image(i);
    return t.doing == op::none ? start_outcome::later : start_outcome::busy;
  }
  if (t.wait_until_ms > now_.steady_ms) {
    wake_at(t.wait_until_ms);
    return start_outcome::later;
  }
  auto spec = build_container(context(), def, t.attempt);
  if (!spec) {
    auto text = message_of(spec.error());
    if (t.wait_reason != "CreateContainerConfigError" || t.wait_message != text)
      record(true, "Failed", "Error: " + text, &def);
    t.wait_reason = "CreateContainerConfigError";
    t.wait_message = text;
    return start_outcome::later;  // until an object or the pod changes
  }
  t.doing = op::start;
  t.early_exit.reset();
  t.hash = hash_of(def);
  out_.push_back(ask::start{i, std::move(*spec)});
  return start_outcome::busy;
}

void pod_machine::handle(const on::image_ready& e) {
  if (e.container >= tracks_.size()) return;
  auto& t = tracks_[e.container];
  auto& def = spec_->containers[e.container];
  if (t.doing == op::image) t.doing = op::none;
  if (e.reference != def.image || ending()) return;
  auto first_failure = std::exchange(t.pull_failure, {});
  if (e.result) {
    t.image_known = true;
    t.image_backoff_ms = 0;
    t.image_id = e.result->id;
    if (t.wait_reason.find("Image") != std::string::npos) t.wait_reason.clear(), t.wait_message.clear();
    if (first_failure)
      record(true, "Failed",
             "Failed to pull image \"" + def.image + "\": " + message_of(*first_failure) +
                 "; the one that is on this machine is used",
             &def);
    record(false, "Pulled", "Container image \"" + def.image + "\" is present on this machine", &def);
    return;
  }
  auto code = code_of(e.result.error());
  bool away = code == errc::unavailable || code == errc::timed_out;
  if (!first_failure && away && def.pull == ports::pull_policy::always) {
    // A node that is cut off goes on with what it has: here we part from kubelet, for which Always means never without.
    t.pull_failure = e.result.error();
    t.doing = op::image;
    out_.push_back(ask::image{e.container, def.image, ports::pull_policy::never});
    return;
  }
  image_failed(e.container, first_failure ? *first_failure : e.result.error());
}

void pod_machine::image_failed(size_t i, const caf::error& e) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  auto text = message_of(e);
  auto starts = [&](std::string_view s) { return text.compare(0, s.size(), s) == 0; };
  t.wait_reason = starts("ErrImageNeverPull")                                 ? "ErrImageNeverPull"
                  : starts("InvalidImageName") || code_of(e) == errc::invalid ? "InvalidImageName"
                                                                              : "ErrImagePull";
  t.wait_message = text;
  record(true, "Failed", "Failed to pull image \"" + def.image + "\": " + text, &def);
  record(true, "Failed", "Error: " + t.wait_reason, &def);
  t.image_backoff_ms = t.image_backoff_ms == 0 ? limits::restart_backoff_ms_min
                                               : std::min(t.image_backoff_ms * 2, limits::restart_backoff_ms_max);
  t.wait_until_ms = now_.steady_ms + t.image_backoff_ms;
  t.settle_ms = now_.steady_ms + 1'000;
}

void pod_machine::handle(const on::container_started& e) {
  if (e.container >= tracks_.size()) return;
  auto& t = tracks_[e.container];
  if (t.doing != op::start) return;
  t.doing = op::none;
  if (!e.result) {
    refuse_start(e.container, e.result.error());
    return;
  }
  running_now(e.container, *e.result);
  if (auto early = std::exchange(t.early_exit, {}); early && early->id == t.now->id) exited_now(e.container, *early);
}

void pod_machine::running_now(size_t i, ports::container_state state) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (t.now && t.now->id != state.id) {
    if (t.last && t.last->id != t.now->id && sandbox_) out_.push_back(ask::remove_container{t.last->id});
    t.last = std::move(t.now);
  }
  t.attempt = state.attempt + 1;
  t.now = std::move(state);
  if (!t.now->image_id.empty()) t.image_id = t.now->image_id;
  t.wait_reason.clear();
  t.wait_message.clear();
  t.stop_wanted = false;
  ++t.generation;
  record(false, "Created", "Container created", &def);
  record(false, "Started", "Container started", &def);
  bool exited = t.exited();
  if (exited) {  // it was so quick that the answer already says so
    auto copy = *t.now;
    t.now->phase = ports::container_phase::running;
    exited_now(i, std::move(copy));
    return;
  }
  reset_probes(i, false);
  if (def.post_start.what == action::kind::none) return;
  t.doing = op::post_start;
  constexpr uint32_t hook_ms_max = 300'000;
  if (!run_action({i, call_token::role::post_start, t.generation}, def.post_start, hook_ms_max)) {
    t.doing = op::none;
    record(true, "FailedPostStartHook", "PostStartHook failed: this kind of hook is not supported", &def);
  }
}

void pod_machine::refuse_start(size_t i, const caf::error& e) {
  auto& t = tracks_[i];
  auto text = message_of(e);
  auto code = code_of(e);
  if (code == errc::not_found) t.image_known = false;
  t.wait_reason = code == errc::invalid ? "RunContainerError" : "CreateContainerError";
  t.wait_message = text;
  record(true, "Failed", "Error: " + text, &spec_->containers[i]);
  t.backoff_ms =
      t.backoff_ms == 0 ? limits::restart_backoff_ms_min : std::min(t.backoff_ms * 2, limits::restart_backoff_ms_max);
  t.wait_until_ms = now_.steady_ms + t.backoff_ms;
}

void pod_machine::handle(const on::container_exited& e) {
  for (size_t i = 0; i < tracks_.size(); ++i) {
    auto& t = tracks_[i];
    if (t.running() && t.now->id == e.state.id) return exited_now(i, e.state);
    if (t.doing == op::start && spec_->containers[i].name == e.state.name && e.state.attempt == t.attempt)
      t.early_exit = e.state;
  }
}

void pod_machine::exited_now(size_t i, ports::container_state state) {
  auto& t = tracks_[i];
  auto labels = std::move(t.now->labels);
  if (state.started_ms == 0) state.started_ms = t.now->started_ms;
  if (state.finished_ms == 0) state.finished_ms = now_.wall_ms;
  state.phase = ports::container_phase::exited;
  t.now = std::move(state);
  t.now->labels = std::move(labels);
  t.doing = op::none;
  t.stop_wanted = false;
  t.started = false;
  ++t.generation;
  if (ending() || !failed_reason_.empty()) return;
  if (t.hash != hash_of(spec_->containers[i])) {
    t.backoff_ms = 0;
    t.wait_until_ms = 0;
    return;
  }
  if (should_restart(i)) back_off(t, i);
}

/// kubelet's CrashLoopBackOff: the first restart at once, then 10 s doubling to 5 min, anew after 10 min of running.
void pod_machine::back_off(container_track& t, size_t i) {
  auto& def = spec_->containers[i];
  if (t.now->finished_ms - t.now->started_ms >= limits::backoff_reset_ms) t.backoff_ms = 0;
  auto delay = t.backoff_ms;
  t.backoff_ms = delay == 0 ? limits::restart_backoff_ms_min : std::min(delay * 2, limits::restart_backoff_ms_max);
  t.wait_until_ms = now_.steady_ms + delay;
  if (def.pull == ports::pull_policy::always) t.image_known = false;
  if (delay == 0) return;
  auto whole = def.name + " pod=" + spec_->name + "_" + spec_->ns + "(" + spec_->uid + ")";
  auto seconds = delay / 1000;
  auto span = seconds < 60 ? std::to_string(seconds) + "s"
                           : std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
  t.wait_reason = "CrashLoopBackOff";
  t.wait_message = "back-off " + span + " restarting failed container=" + whole;
  record(true, "BackOff",
         "Back-off restarting failed container " + def.name + " in pod " + spec_->name + "_" + spec_->ns + "(" +
             spec_->uid + ")",
         &def);
}

}  // namespace skerry::pod
