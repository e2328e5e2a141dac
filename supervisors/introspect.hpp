#pragma once
#include <caf/actor.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "supervisors/decide.hpp"

/// What can be asked of any supervisor and pool of one's own island. Local messages: who shows them elsewhere makes
/// letters of them.
namespace skerry::supervisors {

enum class child_kind : uint8_t { worker, supervisor, pool };

/// One child as it is now.
struct child_view {
  std::string id;
  std::string path;
  child_kind kind = child_kind::worker;
  phase now = phase::down;
  restart when = restart::permanent;
  uint32_t restarts = 0;
  caf::actor who;  ///< null while there is none; its meter: base::actor_of(who)->meter()
};

/// Asks for children: up to `max`, those after the id `after` (pools keep them in the order of their ids; a supervisor
/// in the order of their start, and then `after` is one of its ids). Answered with a `description`.
struct describe {
  std::string after{};
  uint32_t max = 1'000;  ///< at most describe_max
};
inline constexpr uint32_t describe_max = 10'000;

struct description {
  std::string path;
  child_kind kind = child_kind::supervisor;  ///< of the one that answers
  strategy how = strategy::one_for_one;
  restart_window window;
  std::vector<child_view> children;
  uint64_t total = 0;  ///< children that there are
  bool more = false;   ///< ask again with `after` the last id
};

/// Stops a child as its rule says and starts it again, with those that its supervisor's strategy binds to it; one that
/// is down or paused is started. It does not count against the restart window. Answered with the new `caf::actor` once
/// that is spawned; errc::not_found if there is no such child, errc::unavailable if the supervisor ends meanwhile.
struct restart_child {
  std::string id;
};

}  // namespace skerry::supervisors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::describe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::description)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::restart_child)
