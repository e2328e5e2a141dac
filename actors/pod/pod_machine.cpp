#include "actors/pod/pod_machine.hpp"

#include <algorithm>
#include <limits>

#include "actors/pod/container_build.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::pod {
namespace {
constexpr int64_t never = std::numeric_limits<int64_t>::max();
constexpr uint32_t setup_backoff_ms_min = 1'000, setup_backoff_ms_max = 60'000;
constexpr int64_t timer_ms_max = limits::restart_backoff_ms_max;
}  // namespace

pod_machine::pod_machine(std::shared_ptr<const pod_spec> spec, config_set configs,
                         std::shared_ptr<const host_facts> host, prior_status prior)
    : spec_(std::move(spec)),
      configs_(std::move(configs)),
      host_(std::move(host)),
      prior_(std::move(prior)),
      tracks_(spec_->containers.size()),
      start_ms_(prior_.start_ms) {
  failed_reason_ = prior_.reason;
  failed_message_ = prior_.message;
  initialized_ = spec_->init_count == 0;
}

pod_effects pod_machine::step(const pod_event& event, instant now) {
  now_ = now;
  out_.clear();
  if (gone_) return {};
  std::visit([&](const auto& e) { handle(e); }, event);
  if (observed_) advance();
  return std::move(out_);
}

void pod_machine::record(bool warning, std::string reason, std::string message, const container_def* c) {
  std::string field;
  if (c != nullptr) field = std::string{c->init ? "spec.initContainers{" : "spec.containers{"} + c->name + "}";
  out_.push_back(ask::record{warning, std::move(reason), std::move(message), std::move(field)});
}

// -- what is heard
// ------------------------------------------------------------------------------------------------------

void pod_machine::handle(const on::observed& e) {
  if (observed_) return;
  observed_ = true;
  if (start_ms_ == 0) start_ms_ = now_.wall_ms;
  sandbox_ = e.sandbox;
  sandbox_dead_ = sandbox_ && !sandbox_->ready;
  if (sandbox_) ips_ = sandbox_->ips;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    std::vector<ports::container_state> mine;
    for (auto& c : e.containers)
      if (c.name == spec_->containers[i].name) mine.push_back(c);
    std::sort(mine.begin(), mine.end(), [](auto& a, auto& b) { return a.attempt < b.attempt; });
    adopt(i, std::move(mine));
  }
  bool alive = sandbox_ && !sandbox_dead_;
  for (size_t i = spec_->init_count; i < tracks_.size(); ++i)
    if (alive && tracks_[i].now) initialized_ = true;
  if (!sandbox_) forget_sandbox();
}

/// `mine` are all containers of this name, oldest first.
void pod_machine::adopt(size_t i, std::vector<ports::container_state> mine) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  auto before = prior_.containers.find(def.name);
  if (before != prior_.containers.end() && !before->second.id.empty()) t.attempt = before->second.restarts + 1;
  std::erase_if(mine, [](auto& c) { return c.phase == ports::container_phase::created; });
  if (mine.empty()) return;
  t.now = mine.back();
  t.attempt = t.now->attempt + 1;
  t.image_id = t.now->image_id;
  if (mine.size() > 1) t.last = mine[mine.size() - 2];
  for (size_t k = 0; k + 2 < mine.size(); ++k) out_.push_back(ask::remove_container{mine[k].id});
  auto label = t.now->labels.find(label_hash);
  t.hash = label != t.now->labels.end() ? label->second : hash_of(def);
  if (!t.running()) return;
  ++t.generation;
  reset_probes(i, true);
}

void pod_machine::handle(const on::spec_changed& e) {
  auto& fresh = *e.spec;
  bool same = fresh.containers.size() == spec_->containers.size() && fresh.init_count == spec_->init_count;
  for (size_t i = 0; same && i < fresh.containers.size(); ++i)
    same = fresh.containers[i].name == spec_->containers[i].name;
  if (!same) {  // the API forbids it; an orphan that is wanted again is made anew by the agent
    record(true, "InvalidUpdate", "the pod's containers cannot be added, removed or reordered; the change is ignored");
    return;
  }
  bool metadata = fresh.labels != spec_->labels || fresh.annotations != spec_->annotations;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    if (fresh.containers[i].image == spec_->containers[i].image) continue;
    auto& t = tracks_[i];
    t.image_known = false;
    t.backoff_ms = t.image_backoff_ms = 0;
    t.wait_until_ms = 0;
    t.wait_reason.clear();
    t.wait_message.clear();
  }
  spec_ = e.spec;
  if (metadata) volumes_stale_ = true;
  if (setup_until_ms_ == never) setup_until_ms_ = 0;
}

void pod_machine::handle(const on::configs_changed& e) {
  configs_ = e.configs;
  volumes_stale_ = true;
  setup_until_ms_ = 0;
  for (auto& t : tracks_)
    if (t.wait_reason == "CreateContainerConfigError") t.wait_until_ms = 0;
}

void pod_machine::handle(const on::volumes_made& e) {
  volumes_busy_ = false;
  if (!e.failed) {
    volumes_made_ = true;
    setup_backoff_ms_ = 0;
    setup_problem_.clear();
    return;
  }
  if (auto text = message_of(e.failed); text != setup_problem_) record(true, "FailedMount", setup_problem_ = text);
  setup_backoff_ms_ = std::clamp(setup_backoff_ms_ * 2, setup_backoff_ms_min, setup_backoff_ms_max);
  setup_until_ms_ = now_.steady_ms + setup_backoff_ms_;
  volumes_stale_ = true;
}

void pod_machine::handle(const on::sandbox_made& e) {
  sandbox_busy_ = false;
  if (e.result) {
    sandbox_ = *e.result;
    ips_ = sandbox_->ips;
    setup_backoff_ms_ = 0;
    return;
  }
  record(true, "FailedCreatePodSandBox", "Failed to create pod sandbox: " + message_of(e.result.error()));
  setup_backoff_ms_ = std::clamp(setup_backoff_ms_ * 2, setup_backoff_ms_min, setup_backoff_ms_max);
  setup_until_ms_ = now_.steady_ms + setup_backoff_ms_;
}

void pod_machine::handle(const on::sandbox_removed& e) {
  sandbox_busy_ = removing_sandbox_ = false;
  if (!e.failed) {
    sandbox_removed_ = ending();
    forget_sandbox();
    return;
  }
  record(true, "FailedKillPod", "error killing pod: " + message_of(e.failed));
  setup_backoff_ms_ = std::clamp(setup_backoff_ms_ * 2, setup_backoff_ms_min, setup_backoff_ms_max);
  setup_until_ms_ = clean_until_ms_ = now_.steady_ms + setup_backoff_ms_;
}

/// What ran in it has ended with it; its containers are history.
void pod_machine::forget_sandbox() {
  sandbox_.reset();
  sandbox_dead_ = false;
  ips_.clear();
  for (auto& t : tracks_) {
    if (!t.now) continue;
    had_containers_ = true;
    if (!t.running()) continue;
    t.now->phase = ports::container_phase::exited;  // kubelet's ContainerStatusUnknown: nobody saw how it ended
    t.now->exit_code = 137;
    t.now->finished_ms = now_.wall_ms;
  }
  if (ending() || finished()) return;  // the final status is told from what is known
  initialized_ = spec_->init_count == 0;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    auto& t = tracks_[i];
    bool done = i >= spec_->init_count && t.exited() && !should_restart(i);
    if (!t.now || done) continue;
    t.last = std::move(t.now);
    t.now.reset();
    ++t.generation;
    t.doing = container_track::op::none;
    t.stop_wanted = t.started = false;
    t.wait_until_ms = 0;
  }
}

void pod_machine::handle(const on::timer_fired& e) {
  if (e.generation == timer_generation_) armed_ms_ = never;
}

// -- what is due
// --------------------------------------------------------------------------------------------------------

void pod_machine::advance() {
  wake_ms_ = never;
  check_deadline();
  for (size_t i = 0; i < tracks_.size(); ++i) {
    continue_stop(i);
    advance_probes(i);
  }
  if (ending()) {
    advance_end();
  } else if (!failed_reason_.empty()) {
    stop_all(spec_->grace_s * 1000);
  } else if (finished()) {
    advance_sidecar_stop();
  } else if (want_volumes()) {
    if (want_sandbox())
      advance_containers();
    else if (!sandbox_dead_ && !removing_sandbox_)
      for (size_t i = 0; i < tracks_.size(); ++i)  // pull while the network is made
        if (!tracks_[i].now || should_restart(i)) {
          want_image(i);
          break;
        }
  }
  if (!gone_) arm_timer();
}

void pod_machine::arm_timer() {
  if (wake_ms_ == never) return;
  if (timer_generation_ != 0 && armed_ms_ != never && armed_ms_ > now_.steady_ms && armed_ms_ <= wake_ms_) return;
  auto delay = std::clamp<int64_t>(wake_ms_ - now_.steady_ms, 1, timer_ms_max);
  armed_ms_ = now_.steady_ms + delay;
  out_.push_back(ask::timer{++timer_generation_, static_cast<uint32_t>(delay)});
}

/// spec.activeDeadlineSeconds, counted from status.startTime.
void pod_machine::check_deadline() {
  if (!spec_->active_deadline_s || ending() || !failed_reason_.empty() || finished()) return;
  auto left = start_ms_ + *spec_->active_deadline_s * 1000 - now_.wall_ms;
  if (left > 0) {
    wake_at(now_.steady_ms + left);
    return;
  }
  failed_reason_ = "DeadlineExceeded";
  failed_message_ = "Pod was active on the node longer than the specified deadline";
  record(true, failed_reason_, failed_message_);
}

/// True if all volumes are there. Also brings them up to date when an object or a label has changed.
bool pod_machine::want_volumes() {
  if (volumes_busy_ || (volumes_made_ && !volumes_stale_)) return volumes_made_;
  if (setup_until_ms_ > now_.steady_ms) {
    wake_at(setup_until_ms_);
    return volumes_made_;
  }
  auto steps = plan_volumes(context());
  if (!steps) {
    if (auto text = message_of(steps.error()); text != setup_problem_)
      record(true, "FailedMount", setup_problem_ = text);
    setup_until_ms_ = never;  // until an object changes; a running pod keeps what it has, as in kubelet
    if (volumes_made_) volumes_stale_ = false;
    return volumes_made_;
  }
  volumes_stale_ = false;
  if (steps->empty()) return volumes_made_ = true;
  volumes_busy_ = true;
  out_.push_back(ask::volumes{std::move(*steps)});
  return volumes_made_;
}

/// True if the sandbox is there and alive.
bool pod_machine::want_sandbox() {
  if (sandbox_busy_) return false;
  if (sandbox_ && !sandbox_dead_) return true;
  if (setup_until_ms_ > now_.steady_ms && setup_until_ms_ != never) {
    wake_at(setup_until_ms_);
    return false;
  }
  sandbox_busy_ = true;
  if (sandbox_dead_) {
    record(false, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    removing_sandbox_ = true;
    out_.push_back(ask::remove_sandbox{});
  } else {
    out_.push_back(ask::sandbox{build_sandbox(*spec_, *host_)});
  }
  return false;
}

}  // namespace skerry::pod
