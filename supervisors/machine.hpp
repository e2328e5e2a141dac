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
    arm,      ///< call on_deadline with this generation after `ms`
    drop,     ///< forget the spec of `child`: those after it move down by one
    settled,  ///< all children that shall run do run
    quit,     ///< all children have ended; end as `why` says
  };
  kind what;
  size_t child = 0;
  uint32_t ms = 0;
  uint64_t generation = 0;
};
using steps = std::vector<step>;

/// Why a supervisor ends.
enum class farewell : uint8_t {
  asked,         ///< on_shutdown
  overrun,       ///< more restarts than its window admits
  failed_start,  ///< a child did not start while the supervisor itself did
  significant,   ///< the end of a significant child
};

/// A supervisor's life as a pure state machine: each call takes what happened and returns what to do. One thing is
/// stopped or started at a time, in OTP's order; ends and wishes that come meanwhile wait their turn.
class machine {
public:
  machine(supervision rules, std::vector<child_rule> children);

  /// Starts all children, left to right.
  steps begin();
  /// `child` was spawned.
  steps on_started(size_t child);
  /// `child` can do its work. Ignored from one that is not awaited.
  steps on_ready(size_t child);
  /// `child` ended at `now_ms`.
  steps on_down(size_t child, ending how, int64_t now_ms);
  /// A deadline armed by an earlier step passed at `now_ms`; stale generations are ignored.
  steps on_deadline(uint64_t generation, int64_t now_ms);
  /// This supervisor shall end: children stop right to left, then comes `quit`.
  steps on_shutdown();

  // What somebody wants, once what goes on now is done. None of it counts against the window.

  /// `child` started anew: it is stopped if it runs, and started with those that the strategy binds to it.
  steps on_restart(size_t child);
  /// `child` stopped alone, and not started again until somebody wants that or a sibling's end does.
  steps on_terminate(size_t child);
  /// One more child, behind all others. Its first start may fail: then it is dropped again.
  steps on_add(const child_rule& rule);
  /// `child`, which is idle, forgotten.
  steps on_delete(size_t child);

  /// True for one that was added and never started yet.
  bool added(size_t child) const { return state_[child].added; }
  /// Where `child` is now.
  phase phase_of(size_t child) const { return state_[child].now; }
  /// True if `child` is down and nothing is going to start it.
  bool idle(size_t child) const;
  /// How often `child` was restarted after it ended.
  uint32_t restarts_of(size_t child) const { return state_[child].restarts; }
  /// True while `child` is being stopped by a plan: its end is then no crash.
  bool stopping(size_t child) const;
  bool quitting() const { return quitting_; }
  /// Why it quits, and the child whose end made it; none after on_shutdown.
  farewell why() const { return why_; }
  std::optional<size_t> culprit() const { return culprit_; }

private:
  struct child_state {
    phase now = phase::down;
    uint32_t restarts = 0;
    uint64_t generation = 0;  ///< of its timer, 0 if none is armed
    bool added = false;       ///< by on_add, and never started yet
    bool gone = false;        ///< its spec is dropped as soon as nothing goes on
  };
  /// What waits for its turn.
  struct matter {
    enum class kind : uint8_t { ended, restart, terminate } what;
    size_t child;
    ending how = ending::shutdown;
    int64_t at_ms = 0;
  };

  steps run();
  bool stop_next(steps& out);
  bool start_next(steps& out);
  void drop_gone(steps& out);
  void judge(const matter& m);
  void judge_end(const matter& m);
  void renew(size_t child);
  void give_up(farewell why, std::optional<size_t> culprit);
  void arm(steps& out, size_t child, uint32_t ms);
  bool planned(size_t child) const;
  bool waits_for_a_stop() const;
  bool waits_for_a_start() const;

  supervision how_;
  std::vector<child_rule> rules_;
  std::vector<child_state> state_;
  std::deque<size_t> stop_;
  std::deque<size_t> start_;
  std::deque<matter> matters_;
  std::deque<int64_t> past_;
  std::optional<size_t> culprit_;
  farewell why_ = farewell::asked;
  uint64_t generations_ = 0;
  bool begun_ = false;
  bool quitting_ = false;
  bool settled_ = false;
  bool first_ = true;  ///< until it settled once
};

/// After a kill an actor ends as soon as the handler that it is in returns; one that is stuck for so long is abandoned.
inline constexpr uint32_t kill_ms_max = 10'000;

}  // namespace skerry::supervisors
