#include "supervisors/children.hpp"

#include <caf/exit_reason.hpp>
#include <caf/expected.hpp>

#include "schema/error.hpp"

namespace skerry::supervisors {

ending ending_of(const caf::error& reason) {
  if (!reason) return ending::normal;
  return reason == caf::exit_reason::user_shutdown ? ending::shutdown : ending::abnormal;
}

caf::expected<spawned_child> spawn_child(caf::event_based_actor* self, const services& s, const std::string& path,
                                         const start_function& start) {
  try {
    auto child = start(self);
    if (!child) return make_error(errc::internal, path + ": its start function returned no actor");
    self->monitor(child);
    auto id = s.directory.put(path, child);
    return spawned_child{std::move(child), std::move(id)};
  } catch (const std::exception& e) {
    return make_error(errc::internal, path + " did not start: " + e.what());
  }
}

void report_crash(const services& s, const std::string& path, const caf::actor& who, const caf::error& reason,
                  uint32_t restarts, bool again) {
  auto why = message_of(reason);
  if (why.empty()) why = "ended normally";
  auto* ended = base::actor_of(who);
  auto last = ended != nullptr ? ended->meter().last_message() : std::string{};
  s.crashes.add({s.ctx.clock.wall_ms(), path, why, restarts, last});
  if (!last.empty()) last = "; the last message was " + last;
  s.ctx.log.warning(path, "ended: " + why + last + "; restarted " + std::to_string(restarts) + " times so far" +
                              (again ? ", starting it again" : ", not started again"));
}

}  // namespace skerry::supervisors
