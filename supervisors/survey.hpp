#pragma once
#include <caf/event_based_actor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/base/directory.hpp"
#include "actors/ports/clock.hpp"
#include "schema/admin.capnp.h"
#include "schema/letter.hpp"
#include "supervisors/introspect.hpp"

/// What stands in a tree, found out by asking its supervisors. All of it runs on the thread of the actor that asks.
namespace skerry::supervisors {

/// A tree, and who asks about it.
struct surveyed_tree {
  caf::event_based_actor* self;
  const base::directory& directory;
  std::string root;  ///< path of the root supervisor
  caf::weak_actor_ptr root_actor;
  const ports::clock& clock;
};

/// A place in the tree, and the supervisor that it stands below ("" for the root).
struct location {
  child_view child;
  std::string supervisor;
};

/// Finds out what stands at `path`, also what is down just now. Calls `done` once, with errc::not_found if no
/// supervisor knows of it, errc::timed_out if its supervisor does not answer in two seconds.
void locate(const surveyed_tree& tree, const std::string& path, std::function<void(caf::expected<location>)> done);

/// The path of the supervisor nearest above `path`; the root's if there is none between. Empty for the root itself.
std::string supervisor_above(const surveyed_tree& tree, std::string_view path);
/// The supervisor or pool at this path now; null if there is none.
caf::actor supervisor_at(const surveyed_tree& tree, std::string_view path);

/// Asks for what stands at `top` and `levels` below it, `limit` actors at most (of any supervisor below the top a
/// quarter of that, so that one large pool does not hide all else). Calls `done` once. A supervisor that does not
/// answer in two seconds is `silent` in the answer.
void survey(const surveyed_tree& tree, const child_view& top, uint32_t levels, size_t limit,
            std::function<void(letter<schema::Tree>)> done);

/// Fills in all that is known of a child at once, without asking anybody.
void fill(schema::ActorView::Builder out, const child_view& child, const ports::clock& clock);

const char* to_string(strategy s);

}  // namespace skerry::supervisors
