#include "supervisors/children.hpp"

#include <atomic>
#include <caf/exit_reason.hpp>
#include <caf/expected.hpp>
#include <caf/send.hpp>

#include "schema/error.hpp"

namespace skerry::supervisors {
namespace {

const char* text_of(aftermath then) {
  switch (then) {
    case aftermath::again:
      return ", starting it again";
    case aftermath::none:
      return ", not started again";
    case aftermath::stopping:
      return ", while it was being stopped";
    case aftermath::unsupervised:
      return ", it has no supervisor";
  }
  return "";
}

}  // namespace

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
                  uint32_t restarts, aftermath then) {
  auto why = message_of(reason);
  if (why.empty()) why = "ended normally";
  auto* ended = base::actor_of(who);
  auto last = ended != nullptr ? ended->meter().last_message() : std::string{};
  s.crashes.add({s.ctx.clock.wall_ms(), path, why, restarts, last});
  if (!last.empty()) last = "; the last message was " + last;
  s.ctx.log.warning(
      path, "ended: " + why + last + "; restarted " + std::to_string(restarts) + " times so far" + text_of(then));
}

bool failed_to_stop(const caf::error& reason, bool brutal) {
  return ending_of(reason) == ending::abnormal && !(brutal && reason == caf::exit_reason::kill);
}

caf::error stuck() {
  return make_error(errc::timed_out, "does not end though it was killed: it is stuck in a handler; abandoned");
}

void orphan(const services& s, const std::string& path, const caf::actor& who, uint32_t restarts) {
  s.directory.erase(path, who.id());
  // It may end at any moment, on another thread: only what comes after our kill can be by our kill.
  auto killed = std::make_shared<std::atomic<bool>>(false);
  who->attach_functor([&s, path, restarts, killed, who = caf::actor_cast<caf::actor_addr>(who)](const caf::error& why) {
    if (!failed_to_stop(why, *killed)) return;
    report_crash(s, path, caf::actor_cast<caf::actor>(who), why, restarts, aftermath::unsupervised);
  });
  *killed = true;
  caf::anon_send_exit(who, caf::exit_reason::kill);
}

void report_end(const services& s, const caf::actor& who) {
  who->attach_functor([&s, who = caf::actor_cast<caf::actor_addr>(who)](const caf::error& why) {
    if (ending_of(why) != ending::abnormal) return;
    auto ended = caf::actor_cast<caf::actor>(who);
    auto* known = base::actor_of(ended);
    report_crash(s, known == nullptr ? "root" : std::string{known->path()}, ended, why, 0, aftermath::unsupervised);
  });
}

}  // namespace skerry::supervisors
