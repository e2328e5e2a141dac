#include <algorithm>

#include "actors/pod/pod_machine.hpp"
#include "schema/error.hpp"

namespace skerry::pod {

using op = container_track::op;

namespace {
constexpr int64_t grace_ms_min = 2'000;  ///< kubelet's minimum after a preStop hook
constexpr int64_t stop_retry_ms = 2'000;
constexpr uint32_t clean_backoff_ms = 5'000;
}  // namespace

/// Containers end, then the sandbox goes, then the volumes; then nothing is left.
void pod_machine::advance_end() {
  if (!stop_all(spec_->grace_s * 1000)) return;
  for (auto& t : tracks_)
    if (t.doing != op::none && t.doing != op::image) return;
  if (volumes_busy_ || sandbox_busy_) return;
  if (clean_until_ms_ > now_.steady_ms) {
    wake_at(clean_until_ms_);
    return;
  }
  if (!sandbox_removed_) {
    sandbox_busy_ = removing_sandbox_ = true;
    out_.push_back(ask::remove_sandbox{});
  } else if (!volumes_removed_) {
    volumes_busy_ = true;
    out_.push_back(ask::remove_volumes{});
  } else {
    gone_ = true;
    out_.push_back(ask::gone{});
  }
}

void pod_machine::handle(const on::volumes_removed& e) {
  volumes_busy_ = false;
  volumes_removed_ = !e.failed;
  if (!e.failed) return;
  record(true, "FailedUnmount", "volumes cannot be removed: " + message_of(e.failed));
  clean_until_ms_ = now_.steady_ms + clean_backoff_ms;
}

/// Asks all that run to stop, sidecars last. True when nothing runs or is about to.
bool pod_machine::stop_all(int64_t grace_ms) {
  bool any = false;
  for (bool sidecars : {false, true}) {
    if (sidecars && any) return false;
    for (size_t i = tracks_.size(); i-- > 0;) {
      auto& t = tracks_[i];
      if (spec_->containers[i].sidecar != sidecars) continue;
      if (t.doing == op::start) any = true;
      if (!t.running()) continue;
      any = true;
      if (!t.stop_wanted) begin_stop(i, grace_ms, "Stopping container " + spec_->containers[i].name);
    }
  }
  return !any;
}

void pod_machine::begin_stop(size_t i, int64_t grace_ms, std::string message) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  record(false, "Killing", std::move(message), &def);
  t.stop_wanted = true;
  t.stop_until_ms = now_.steady_ms + grace_ms;
  t.stop_retry_ms = 0;
  ++t.generation;  // answers of its probes and of a postStart hook no longer count
  if (def.pre_stop.what != action::kind::none && grace_ms > 0) {
    t.doing = op::pre_stop;
    t.hook_until_ms = 0;
    call_token token{i, call_token::role::pre_stop, t.generation};
    if (run_action(token, def.pre_stop, static_cast<uint32_t>(grace_ms))) {
      if (def.pre_stop.what == action::kind::sleep) wake_at(std::min(t.hook_until_ms, t.stop_until_ms));
      return;
    }
    record(true, "FailedPreStopHook", "PreStopHook failed: this kind of hook is not supported", &def);
  }
  t.doing = op::stop;
  out_.push_back(ask::stop{t.now->id, static_cast<uint32_t>(std::max<int64_t>(grace_ms, 0))});
}

void pod_machine::hook_done(const call_token& token, bool ok, const std::string& output) {
  auto i = token.container;
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (token.why == call_token::role::post_start) {
    if (t.doing != op::post_start) return;
    t.doing = op::none;
    if (ok || !t.running()) return;
    record(true, "FailedPostStartHook", "PostStartHook failed: " + output.substr(0, 256), &def);
    begin_stop(i, spec_->grace_s * 1000, "FailedPostStartHook");
    return;
  }
  if (t.doing != op::pre_stop) return;
  if (!ok) record(true, "FailedPreStopHook", "PreStopHook failed: " + output.substr(0, 256), &def);
  t.doing = op::stop;
  auto left = std::max(t.stop_until_ms - now_.steady_ms, grace_ms_min);
  out_.push_back(ask::stop{t.now->id, static_cast<uint32_t>(left)});
}

/// Sleep hooks that are over, and stops that failed and are tried again.
void pod_machine::continue_stop(size_t i) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (!t.running()) return;
  bool sleeping = (t.doing == op::pre_stop && def.pre_stop.what == action::kind::sleep) ||
                  (t.doing == op::post_start && def.post_start.what == action::kind::sleep);
  if (sleeping) {
    auto until = t.doing == op::pre_stop ? std::min(t.hook_until_ms, t.stop_until_ms) : t.hook_until_ms;
    if (now_.steady_ms < until)
      wake_at(until);
    else
      hook_done({i, t.doing == op::pre_stop ? call_token::role::pre_stop : call_token::role::post_start, t.generation},
                true, {});
    return;
  }
  if (!t.stop_wanted || t.doing != op::none) return;
  if (now_.steady_ms < t.stop_retry_ms) {
    wake_at(t.stop_retry_ms);
    return;
  }
  t.doing = op::stop;
  out_.push_back(ask::stop{t.now->id, 0});
}

void pod_machine::handle(const on::stop_failed& e) {
  for (size_t i = 0; i < tracks_.size(); ++i) {
    auto& t = tracks_[i];
    if (!t.running() || t.now->id != e.id || t.doing != op::stop) continue;
    if (code_of(e.failed) == errc::not_found) {  // it has gone without anybody seeing how
      auto ended = *t.now;
      ended.exit_code = 137;
      ended.finished_ms = now_.wall_ms;
      exited_now(i, std::move(ended));
      return;
    }
    record(true, "FailedKillPod", "container " + t.now->name + " cannot be stopped: " + message_of(e.failed),
           &spec_->containers[i]);
    t.doing = op::none;
    t.stop_retry_ms = now_.steady_ms + stop_retry_ms;
  }
}

}  // namespace skerry::pod
