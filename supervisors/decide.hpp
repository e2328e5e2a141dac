#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

/// OTP's supervision rules (https://www.erlang.org/doc/system/sup_princ.html) as values and pure functions. No actor
/// here: what is decided is tested as tables; `machine` turns it into steps and `supervisor` acts.
namespace skerry::supervisors {

/// When a child that ended is started again.
enum class restart : uint8_t {
  permanent,  ///< always
  transient,  ///< only after an abnormal end
  temporary,  ///< never; its spec is forgotten, also when a sibling's end stops it
};

/// How a child ended.
enum class ending : uint8_t {
  normal,    ///< it had nothing more to do
  shutdown,  ///< it was asked to stop
  abnormal,  ///< anything else: an error, an exception, a kill, a start that failed
};

/// Where a child is in its life.
enum class phase : uint8_t {
  down,      ///< ended, or not yet started
  paused,    ///< crashed too often; it is started again when its pause is over (pools alone)
  spawning,  ///< being started
  unready,   ///< started, and has not said base::ready, which is awaited
  up,        ///< does its work
  asked,     ///< was asked to stop
  killed,    ///< was too late and killed; it ends when the handler that it is in returns
};

enum class strategy : uint8_t {
  one_for_one,   ///< restart the child alone
  one_for_all,   ///< stop all others, start all again
  rest_for_one,  ///< stop those started after it, start it and those again
};

/// How long a child may take to stop after it was asked, in ms; then it is killed.
struct shutdown_rule {
  uint32_t ms = 5000;
  static constexpr uint32_t brutal_kill = 0;        ///< not asked: killed at once
  static constexpr uint32_t infinity = UINT32_MAX;  ///< for supervisors, whose own children have deadlines
};

/// At most `intensity` restarts within `period_ms`; one more and the supervisor gives up.
struct restart_window {
  uint32_t intensity = 3;
  uint32_t period_ms = 5000;
};

/// What the rules need to know of a child.
struct child_rule {
  restart when = restart::permanent;
  shutdown_rule shutdown{};
  bool awaits_ready = false;   ///< the next child starts only when this one said `base::ready`
  uint32_t ready_ms = 30'000;  ///< one that is not ready by then is killed, which counts as a crash
};

/// Which children to stop (in this order: right to left) and then to start (left to right).
struct plan {
  std::vector<size_t> stop;
  std::vector<size_t> start;
};

/// Returns whether a child with this rule is started again after such an end.
bool restarts(restart when, ending how);

/// Takes note of a restart at `now_ms` in `past` (forgetting what is older than the period) and returns whether the
/// window admits it. `past` holds at most intensity + 1 entries.
bool admit(std::deque<int64_t>& past, restart_window window, int64_t now_ms);

/// Returns what to stop and to start when child `ended` is to be restarted. Temporary children that are stopped because
/// of a sibling are not started again; transient ones that had ended normally are started again with their siblings, as
/// OTP does.
plan restart_plan(strategy s, const std::vector<child_rule>& children, size_t ended);

}  // namespace skerry::supervisors
