#pragma once
#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace skerry::base {

/// When a supervised child that ended is started again.
enum class restart : uint8_t {
  permanent,  ///< always
  transient,  ///< only after an abnormal end
  temporary,  ///< never
};

/// How actors ask for supervised children that come and go (pods, link sessions, watches), without knowing supervisors:
/// a pool supervisor (supervisors/) takes these messages.

/// Starts a child. `start` spawns it, with the pool as its context, and is called again for each restart.
/// Answered with the `caf::actor` of the child. A second one with the same id is refused with errc::already_exists.
struct start_child {
  std::string id;
  std::function<caf::actor(caf::event_based_actor* supervisor)> start;
  base::restart when = base::restart::transient;
};
/// Stops a child, with its deadline, and forgets it; answered with `caf::unit` when it has ended; no error if it is not
/// there.
struct stop_child {
  std::string id;
  uint32_t shutdown_ms = 5000;
};
/// The child's present actor, or errc::not_found.
struct find_child {
  std::string id;
};

}  // namespace skerry::base

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::base::start_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::base::stop_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::base::find_child)
