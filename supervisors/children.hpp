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

/// What becomes of a child that ended.
enum class aftermath : uint8_t {
  again,         ///< it is started again
  none,          ///< it is not
  stopping,      ///< it was being stopped, and did not end by that
  unsupervised,  ///< its supervisor ended, or it never had one
};

/// Writes a crash report to the log and the ring. `who` is the actor that ended, null if it did not even start.
void report_crash(const services& s, const std::string& path, const caf::actor& who, const caf::error& reason,
                  uint32_t restarts, aftermath then);

/// Returns whether the end of a child that was being stopped is a crash all the same (OTP's shutdown_error): by all
/// but its own will and ours. `brutal`: its rule is to be killed, not asked.
bool failed_to_stop(const caf::error& reason, bool brutal);

/// Why a child is given up that did not end though it was killed.
caf::error stuck();

/// Puts a child to rest whose supervisor ends before it: takes it out of the directory and kills it. If it ended by
/// itself before that reached it, be it long ago (its supervisor did not live to see it) or later, that is reported.
void orphan(const services& s, const std::string& path, const caf::actor& who, uint32_t restarts);

/// Has the end of an actor that has no supervisor, the root of a tree, reported if it is abnormal.
void report_end(const services& s, const caf::actor& who);

}  // namespace skerry::supervisors
