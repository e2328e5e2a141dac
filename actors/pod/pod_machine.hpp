#pragma once
#include "actors/pod/container_track.hpp"

namespace skerry::pod {

/// The life of one pod on its node, level-triggered: each event updates what is known, and `advance` asks for whatever
/// is due and not already under way. Pure: no clock, no thread, no I/O; the same events give the same effects.
///
/// The rules are kubelet's: volumes, then sandbox, then init containers in order, then the others in order; restarts by
/// policy with CrashLoopBackOff; probes; on deletion preStop, SIGTERM, SIGKILL, then nothing is left. What the runtime
/// lists at the start is adopted: what runs goes on, what has ended is dealt with by policy.
class pod_machine {
public:
  pod_machine(std::shared_ptr<const pod_spec> spec, config_set configs, std::shared_ptr<const host_facts> host,
              prior_status prior);

  /// Takes one event in and returns what is to be done, in order.
  pod_effects step(const pod_event& event, instant now);

  // What the status is made from.
  const pod_spec& spec() const { return *spec_; }
  const host_facts& host() const { return *host_; }
  const std::vector<container_track>& containers() const { return tracks_; }
  const std::optional<ports::sandbox_state>& sandbox() const { return sandbox_; }
  const prior_status& prior() const { return prior_; }
  int64_t start_ms() const { return start_ms_; }
  bool observed() const { return observed_; }
  bool initialized() const { return initialized_; }
  /// All containers have ended and none will run again: the phase is Succeeded or Failed.
  bool finished() const;
  /// The pod was ended by the node itself; reason of the status, such as DeadlineExceeded.
  const std::string& failed_reason() const { return failed_reason_; }
  const std::string& failed_message() const { return failed_message_; }
  bool ending() const { return dropped_ || spec_->deleting; }
  bool gone() const { return gone_; }
  bool ready(size_t container) const;

private:
  enum class start_outcome : uint8_t { busy, later };

  void handle(const on::observed& e);
  void handle(const on::spec_changed& e);
  void handle(const on::configs_changed& e);
  void handle(const on::dropped&) { dropped_ = true; }
  void handle(const on::volumes_made& e);
  void handle(const on::sandbox_made& e);
  void handle(const on::sandbox_removed& e);
  void handle(const on::volumes_removed& e);
  void handle(const on::image_ready& e);
  void handle(const on::container_started& e);
  void handle(const on::container_exited& e);
  void handle(const on::stop_failed& e);
  void handle(const on::exec_done& e);
  void handle(const on::probe_done& e);
  void handle(const on::timer_fired& e);

  // pod_machine.cpp
  void advance();
  void arm_timer();
  void check_deadline();
  void wake_at(int64_t steady_ms) { wake_ms_ = std::min(wake_ms_, steady_ms); }
  bool want_volumes();
  bool want_sandbox();
  void forget_sandbox();
  void adopt(size_t i, std::vector<ports::container_state> mine);
  resolve_context context() const { return {*spec_, configs_, *host_, ips_}; }
  void record(bool warning, std::string reason, std::string message, const container_def* c = nullptr);

  // pod_machine_containers.cpp
  void advance_containers();
  bool advance_init();
  void advance_sidecar_stop();
  start_outcome try_start(size_t i);
  void want_image(size_t i);
  void image_failed(size_t i, const caf::error& e);
  void running_now(size_t i, ports::container_state state);
  void exited_now(size_t i, ports::container_state state);
  void refuse_start(size_t i, const caf::error& e);
  bool should_restart(size_t i) const;
  void back_off(container_track& t, size_t i);

  // pod_machine_probes.cpp
  void advance_probes(size_t i);
  void reset_probes(size_t i, bool adopted);
  void fire_probe(size_t i, probe_kind kind, const probe_spec& spec);
  void probe_result(const call_token& token, bool ok, const std::string& output);
  bool run_action(const call_token& token, const action& what, uint32_t timeout_ms);

  // pod_machine_end.cpp
  void advance_end();
  bool stop_all(int64_t grace_ms);
  void begin_stop(size_t i, int64_t grace_ms, std::string message);
  void continue_stop(size_t i);
  void hook_done(const call_token& token, bool ok, const std::string& output);

  std::shared_ptr<const pod_spec> spec_;
  config_set configs_;
  std::shared_ptr<const host_facts> host_;
  prior_status prior_;
  std::vector<container_track> tracks_;
  std::optional<ports::sandbox_state> sandbox_;
  std::vector<std::string> ips_;

  bool observed_ = false, initialized_ = false, dropped_ = false, gone_ = false;
  bool volumes_busy_ = false, volumes_made_ = false, volumes_stale_ = false, volumes_removed_ = false;
  bool sandbox_busy_ = false, sandbox_dead_ = false, removing_sandbox_ = false, sandbox_removed_ = false;
  bool had_containers_ = false;  ///< some container ran in an earlier sandbox
  uint32_t setup_backoff_ms_ = 0;
  int64_t setup_until_ms_ = 0;  ///< steady; no volumes or sandbox before it
  int64_t clean_until_ms_ = 0;  ///< steady; no removal before it
  std::string setup_problem_;   ///< last one told, to tell it once
  std::string failed_reason_, failed_message_;
  int64_t start_ms_ = 0;

  instant now_;
  pod_effects out_;
  int64_t wake_ms_ = 0, armed_ms_ = 0;
  uint64_t timer_generation_ = 0;
};

}  // namespace skerry::pod
