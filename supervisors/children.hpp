#pragma once
#include <caf/error.hpp>
#include <caf/event_based_actor.hpp>
#include <string>

#include "actors/base/context.hpp"
#include "actors/base/directory.hpp"
#include "supervisors/crash_log.hpp"
#include "supervisors/decide.hpp"

/// What supervisor and pool have in common: how an exit reason is read, how a child is spawned, reported and put to
/// rest.
namespace skerry::supervisors {

using start_function = std::function<caf::actor(caf::event_based_actor* supervisor)>;

/// The island's parts that every supervisor of it shares. Built by main; outlive all actors.
struct services {
  const context& ctx;
  base::directory& directory;
  crash_log& crashes;
};

/// Reads an exit reason: none is normal, user_shutdown is a shutdown, all else (a kill too) is abnormal.
ending ending_of(const caf::error& reason);

/// A child that was spawned, and the block that holds its path.
struct spawned_child {
  caf::actor who;
  base::identity id;
};
/// Calls `start`, monitors what it spawned and puts it into the directory at `path`. Errors: what the function threw,
/// or errc::internal if it returned no actor.
caf::expected<spawned_child> spawn_child(caf::event_based_actor* self, const services& s, const std::string& path,
                                         const start_function& start);

/// Writes a crash report to the log and the ring. `who` is the actor that ended, null if it did not even start.
void report_crash(const services& s, const std::string& path, const caf::actor& who, const caf::error& reason,
                  uint32_t restarts, bool again);

}  // namespace skerry::supervisors
