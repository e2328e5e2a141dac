#pragma once
#include "actors/pod/pod_events.hpp"

namespace skerry::pod {

/// One probe of one running container, counted as kubelet's prober worker counts.
struct probe_track {
  bool in_flight = false;
  bool result = false;  ///< the last settled result
  uint32_t successes = 0, failures = 0;
  int64_t due_ms = 0;  ///< steady

  /// Takes an outcome in. Returns true if a threshold is reached (again): `result` is the settled one then.
  bool settle(const probe_spec& spec, bool ok) {
    successes = ok ? successes + 1 : 0;
    failures = ok ? 0 : failures + 1;
    if (ok ? successes < spec.success_threshold : failures < spec.failure_threshold) return false;
    result = ok;
    return true;
  }
};

/// What the machine knows and does about one container of its pod.
struct container_track {
  enum class op : uint8_t { none, image, start, post_start, pre_stop, stop };
  op doing = op::none;
  std::optional<ports::container_state> now;   ///< the newest one that ran; from an earlier sandbox it moves to `last`
  std::optional<ports::container_state> last;  ///< the one before, ended
  std::optional<ports::container_state> early_exit;  ///< it ended before its start was answered
  uint32_t attempt = 0;                              ///< number of the next start
  std::string hash;                                  ///< of the running one's definition

  std::string wait_reason, wait_message;  ///< why it does not run; empty: ContainerCreating or PodInitializing
  int64_t wait_until_ms = 0;              ///< steady; no start before it
  uint32_t backoff_ms = 0, image_backoff_ms = 0;
  int64_t settle_ms = 0;                   ///< steady; ErrImagePull turns into ImagePullBackOff then
  std::optional<caf::error> pull_failure;  ///< of a pull Always that fell back to the image that is here
  bool image_known = false;
  std::string image_id;

  bool started = false;  ///< its startup probe has passed
  std::array<probe_track, probe_kinds> probes;
  uint64_t generation = 0;  ///< of its start: makes answers about an earlier one stale

  bool stop_wanted = false;
  int64_t stop_until_ms = 0;  ///< steady; end of its grace
  int64_t hook_until_ms = 0;  ///< steady; end of a sleep hook
  int64_t stop_retry_ms = 0;  ///< steady

  bool running() const { return now && now->phase == ports::container_phase::running; }
  bool exited() const { return now && now->phase == ports::container_phase::exited; }
  probe_track& probe(probe_kind k) { return probes[static_cast<size_t>(k)]; }
  const probe_track& probe(probe_kind k) const { return probes[static_cast<size_t>(k)]; }
};

}  // namespace skerry::pod
