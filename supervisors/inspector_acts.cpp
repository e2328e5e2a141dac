#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include "schema/error.hpp"
#include "schema/path.hpp"
#include "supervisors/inspector.hpp"

namespace skerry::supervisors {
namespace {

constexpr auto restart_max = std::chrono::seconds{60};  ///< a child has its own deadline to stop within

std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

letter<schema::Done> done() {
  return letter<schema::Done>::build([](schema::Done::Builder) {});
}

}  // namespace

inspector_state::answer<schema::Done> inspector_state::on_hold(std::string_view island, bool hold) {
  auto& mesh = args_->parts.mesh;
  auto all = mesh.links();
  bool known = std::any_of(all.begin(), all.end(), [&](const auto& f) { return f.island == island; });
  if (!known)
    return make_error(errc::not_found, args_->parts.root + " has no link to '" + std::string{island} +
                                           "'; `links` shows those that there are");
  if (hold)
    mesh.hold(island);
  else
    mesh.release(island);
  args_->parts.island.ctx.log.warning(
      args_->parts.root + "/admin",
      std::string{hold ? "suspended" : "resumed"} + " the link to " + std::string{island} + ", as an operator asked");
  return done();
}

inspector_state::answer<schema::Done> inspector_state::on_kill(schema::Kill::Reader m) {
  auto path = text_of(m.getPath());
  if (auto e = check(path)) return e;
  auto who = path == args_->parts.root ? supervisor_at(tree(), path) : args_->parts.island.directory.find(path);
  if (!who) return make_error(errc::not_found, "nobody stands at " + path + " just now");
  args_->parts.island.ctx.log.warning(args_->parts.root + "/admin", "killing " + path + ", as an operator asked");
  caf::anon_send_exit(who, caf::exit_reason::kill);
  return done();
}

inspector_state::answer<schema::Done> inspector_state::on_restart(schema::Restart::Reader m) {
  auto path = text_of(m.getPath());
  if (auto e = check(path)) return e;
  auto above = supervisor_above(tree(), path);
  if (above.empty())
    return make_error(errc::invalid, path + " is the root of this island: restart the process in its place");
  auto supervisor = supervisor_at(tree(), above);
  if (!supervisor)
    return make_error(errc::not_found, "nobody stands at " + path + ": " + above + " supervises nothing");
  auto promise = self_->make_response_promise();
  args_->parts.island.ctx.log.warning(args_->parts.root + "/admin", "restarting " + path + ", as an operator asked");
  self_->request(supervisor, restart_max, restart_child{path.substr(above.size() + 1)})
      .then([promise](const caf::actor&) mutable { promise.deliver(done()); },
            [promise, path](const caf::error& e) mutable {
              promise.deliver(code_of(e) == errc::not_found ? make_error(errc::not_found, "nobody stands at " + path)
                                                            : e);
            });
  return promise;
}

inspector_state::answer<schema::LogLevel> inspector_state::on_log_level(schema::SetLogLevel::Reader m) {
  auto level = static_cast<uint16_t>(m.getLevel());
  if (level > static_cast<uint16_t>(schema::Severity::ERROR))
    return make_error(errc::invalid, "no severity has the number " + std::to_string(level));
  auto was = args_->parts.set_log_level(static_cast<ports::severity>(level));
  return letter<schema::LogLevel>::build([&](schema::LogLevel::Builder b) {
    b.setWas(static_cast<schema::Severity>(was));
    b.setNow(m.getLevel());
  });
}

}  // namespace skerry::supervisors
