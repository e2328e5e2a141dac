#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "actors/base/pool.hpp"

/// OTP's supervision rules (https://www.erlang.org/doc/system/sup_princ.html) as values and pure functions. No actor
/// here: what is decided is tested as tables; `machine` turns it into steps and `supervisor` acts.
namespace skerry::supervisors {

/// When a child that ended is started again. The spec of a temporary child is forgotten when it ends, also when it is
/// stopped because of a sibling.
using base::restart;

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
  rest_for_one,  ///< stop those started after it, start it and those again; each is awaited (child_rule::awaits_ready)
};

/// When the end of significant children, by themselves and for good, ends their supervisor (reason: shutdown). A
/// transient child counts when it ended normally or by a shutdown, a temporary one however it ended.
enum class auto_shutdown : uint8_t {
  never,            ///< and no child may be significant
  any_significant,  ///< the first one
  all_significant,  ///< the last one that was active
};

/// What a failed start of a child means while its supervisor starts for the first time: the start function failed, or
/// an awaited child ended before it was ready.
enum class failed_start : uint8_t {
  give_up,  ///< OTP: those started are stopped, and the supervisor ends with the error
  retry,    ///< it is a crash as any other, within the restart window
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
  bool significant = false;    ///< see auto_shutdown; never of a permanent child
};

/// What the rules need to know of a supervisor.
struct supervision {
  strategy how = strategy::one_for_one;
  restart_window window{};
  auto_shutdown on_significant = auto_shutdown::never;
  failed_start at_first = failed_start::give_up;
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

/// Returns whether the end of child `ended`, by itself, ends the supervisor. `active`: who runs or will be started.
bool ends_supervisor(auto_shutdown mode, const std::vector<child_rule>& children, const std::vector<bool>& active,
                     size_t ended, ending how);

/// Returns what is wrong with a child of such a supervisor, as "a permanent child cannot be significant"; empty if
/// nothing is.
std::string fault_of(const supervision& s, const child_rule& child);

}  // namespace skerry::supervisors
