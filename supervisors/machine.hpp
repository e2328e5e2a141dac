#pragma once
#include <deque>
#include <optional>
#include <vector>

#include "supervisors/decide.hpp"

namespace skerry::supervisors {

/// One thing for the actor to do, in the order given.
struct step {
  enum class kind : uint8_t {
    start,    ///< spawn `child`; then call on_started, or on_down with ending::abnormal if it failed
    ask,      ///< ask `child` to stop (exit user_shutdown)
    kill,     ///< kill `child`
    abandon,  ///< `child` did not even end by a kill: forget its handle
    arm,      ///< call on_deadline with child and generation after `ms`
    settled,  ///< all children that shall run do run
    quit,     ///< all children have ended; end with the error of the escalation, or normally after on_shutdown
  };
  kind what;
  size_t child = 0;
  uint32_t ms = 0;
  uint64_t generation = 0;
};
using steps = std::vector<step>;

/// A supervisor's life as a pure state machine: each call takes what happened and returns what to do. One thing is
/// stopped or started at a time, in OTP's order; ends that come meanwhile wait their turn.
class machine {
public:
  machine(strategy s, restart_window window, std::vector<child_rule> children);

  /// Starts all children, left to right.
  steps begin();
  /// `child` was spawned.
  steps on_started(size_t child);
  /// `child` can do its work. Ignored from one that is not awaited.
  steps on_ready(size_t child);
  /// `child` ended at `now_ms`.
  steps on_down(size_t child, ending how, int64_t now_ms);
  /// A deadline armed by an earlier step passed at `now_ms`; stale generations are ignored.
  steps on_deadline(size_t child, uint64_t generation, int64_t now_ms);
  /// This supervisor shall end: children stop right to left, then comes `quit`.
  steps on_shutdown();

  /// Somebody wants `child` started anew: it is stopped and started with those that the strategy binds to it, once
  /// what goes on now is done. Does not count against the window.
  steps on_restart(size_t child);

  /// Where `child` is now.
  phase phase_of(size_t child) const { return state_[child].now; }
  /// How often `child` was restarted after it ended.
  uint32_t restarts_of(size_t child) const { return state_[child].restarts; }
  /// True once the restart window was overrun; `culprit` is the child whose end did it.
  std::optional<size_t> culprit() const { return culprit_; }
  /// True while `child` is being stopped by a plan: its end is then no crash.
  bool stopping(size_t child) const;
  bool quitting() const { return quitting_; }

private:
  struct child_state {
    phase now = phase::down;
    uint32_t restarts = 0;
    uint64_t generation = 0;
  };
  /// What waits for its turn: a child that ended, or one that somebody wants started anew.
  struct death {
    size_t child;
    ending how;
    int64_t at_ms;
    bool wanted = false;
  };

  steps run();
  bool stop_next(steps& out);
  bool start_next(steps& out);
  void judge(const death& d);
  void renew(size_t child);
  void give_up();
  void arm(steps& out, size_t child, uint32_t ms);
  bool waits_for_a_stop() const;
  bool waits_for_a_start() const;

  strategy strategy_;
  restart_window window_;
  std::vector<child_rule> rules_;
  std::vector<child_state> state_;
  std::deque<size_t> stop_;
  std::deque<size_t> start_;
  std::deque<death> deaths_;
  std::deque<int64_t> past_;
  std::optional<size_t> culprit_;
  bool quitting_ = false;
  bool settled_ = false;
};

/// After a kill an actor ends as soon as the handler that it is in returns; one that is stuck for so long is abandoned.
inline constexpr uint32_t kill_ms_max = 10'000;

}  // namespace skerry::supervisors
