#include "supervisors/pool.hpp"

#include <algorithm>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include "schema/error.hpp"
#include "supervisors/machine.hpp"

namespace skerry::supervisors {
namespace {
struct child_timer {
  std::string id;
  uint64_t generation;
};
}  // namespace
}  // namespace skerry::supervisors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::child_timer)

namespace skerry::supervisors {

pool_state::~pool_state() {
  for (auto& [id, c] : children_) {
    for (auto* list : {&c.waiting, &c.renewed})
      for (auto& p : *list) p.deliver(make_error(errc::unavailable, path_of(id) + ": its pool ended"));
    if (!c.actor) continue;
    args_->parts.directory.erase(path_of(id), c.actor.id());
    caf::anon_send_exit(c.actor, caf::exit_reason::kill);
  }
}

caf::behavior pool_state::make(pool_args args) {
  args_ = std::make_unique<pool_args>(std::move(args));
  base::prepare(self_, args_->parts.ctx, args_->path);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) { on_down(m); });
  self_->set_exit_handler([this](caf::scheduled_actor*, caf::exit_msg& m) { on_exit_message(m); });
  return {
      [this](const base::start_child& m) { return on_start(m); },
      [this](const base::stop_child& m) { return on_stop(m); },
      [this](const base::find_child& m) { return on_find(m); },
      [this](const child_timer& m) { on_timer(m.id, m.generation); },
      [](const base::ready&) {},
      [this](const describe& m) { return on_describe(m); },
      [this](const restart_child& m) { return on_restart(m); },
  };
}

std::string pool_state::path_of(std::string_view id) const { return args_->path + "/" + std::string{id}; }

caf::result<caf::actor> pool_state::on_start(const base::start_child& m) {
  if (quitting_) return make_error(errc::unavailable, args_->path + " is stopping; " + m.id + " was not started");
  if (children_.count(m.id) != 0) return make_error(errc::already_exists, path_of(m.id) + " is there already");
  if (children_.size() >= args_->children_max)
    return make_error(errc::too_many,
                      args_->path + " holds " + std::to_string(children_.size()) + " children, its limit");
  auto spawned = spawn_child(self_, args_->parts, path_of(m.id), m.start);
  if (!spawned) return spawned.error();
  auto& c = children_[m.id];
  c.spec = m;
  c.actor = *spawned;
  by_id_[spawned->id()] = m.id;
  return *spawned;
}

caf::result<void> pool_state::on_stop(const base::stop_child& m) {
  auto i = children_.find(m.id);
  if (i == children_.end()) return caf::unit;
  auto promise = self_->make_response_promise();
  i->second.waiting.push_back(promise);
  i->second.renewing = false;
  if (i->second.actor)
    ask_to_stop(i, m.shutdown_ms);
  else
    erase(i);  // it was in its pause before a restart
  return caf::delegated<void>{};
}

caf::result<caf::actor> pool_state::on_find(const base::find_child& m) const {
  auto i = children_.find(m.id);
  if (i == children_.end() || i->second.stopping) return make_error(errc::not_found, path_of(m.id) + " is not there");
  if (!i->second.actor) return make_error(errc::unavailable, path_of(m.id) + " crashed and waits for its restart");
  return i->second.actor;
}

caf::result<description> pool_state::on_describe(const describe& m) const {
  description d{args_->path, child_kind::pool, strategy::one_for_one, args_->window, {}, children_.size(), false};
  auto i = m.after.empty() ? children_.begin() : children_.upper_bound(m.after);
  for (auto max = std::min(m.max, describe_max); i != children_.end() && d.children.size() < max; ++i) {
    auto& c = i->second;
    auto now = !c.actor ? phase::paused : c.killed ? phase::killed : c.stopping ? phase::asked : phase::up;
    auto when = c.spec.restart ? restart::transient : restart::temporary;
    d.children.push_back({i->first, path_of(i->first), child_kind::worker, now, when, c.restarts, c.actor});
  }
  d.more = i != children_.end();
  return d;
}

caf::result<caf::actor> pool_state::on_restart(const restart_child& m) {
  auto i = children_.find(m.id);
  if (i == children_.end()) return make_error(errc::not_found, path_of(m.id) + " is not there");
  auto& c = i->second;
  if (quitting_ || (c.stopping && !c.renewing)) return make_error(errc::unavailable, path_of(m.id) + " is stopping");
  auto promise = self_->make_response_promise();
  c.renewed.push_back(promise);
  if (c.actor) {
    c.renewing = true;
    ask_to_stop(i, args_->shutdown_ms);
  } else {
    c.generation = ++generations_;  // its pause, if it is in one, is over
    start_again(i);
  }
  return promise;
}

void pool_state::ask_to_stop(children::iterator i, uint32_t shutdown_ms) {
  auto& c = i->second;
  if (std::exchange(c.stopping, true)) return;
  if (shutdown_ms == shutdown_rule::brutal_kill) {
    c.killed = true;
    self_->send_exit(c.actor, caf::exit_reason::kill);
    arm(i, kill_ms_max);
  } else {
    self_->send_exit(c.actor, caf::exit_reason::user_shutdown);
    if (shutdown_ms != shutdown_rule::infinity) arm(i, shutdown_ms);
  }
}

void pool_state::on_timer(const std::string& id, uint64_t generation) {
  auto i = children_.find(id);
  if (i == children_.end() || i->second.generation != generation) return;
  auto& c = i->second;
  if (!c.stopping) return start_again(i);
  if (!std::exchange(c.killed, true)) {
    self_->send_exit(c.actor, caf::exit_reason::kill);
    arm(i, kill_ms_max);
    return;
  }
  args_->parts.ctx.log.error(path_of(id), "does not end though it was killed: it is stuck in a handler; abandoned");
  self_->demonitor(c.actor);
  by_id_.erase(c.actor.id());
  gone(i);
}

/// A child that was asked to stop ended: it is forgotten, or started again if that is what it was stopped for.
void pool_state::gone(children::iterator i) {
  auto& c = i->second;
  if (!c.renewing || quitting_) return erase(i);
  args_->parts.directory.erase(path_of(i->first), c.actor.id());
  c.actor = nullptr;
  c.stopping = c.killed = c.renewing = false;
  c.generation = ++generations_;
  start_again(i);
}

void pool_state::on_down(const caf::down_msg& m) {
  auto found = by_id_.find(m.source.id());
  if (found == by_id_.end()) return;
  auto i = children_.find(found->second);
  by_id_.erase(found);
  auto& c = i->second;
  if (c.stopping) return gone(i);
  args_->parts.directory.erase(path_of(i->first), c.actor.id());
  auto ended = std::exchange(c.actor, nullptr);
  if (ending_of(m.reason) != ending::abnormal) return erase(i);
  crashed(i, ended, m.reason);
}

/// Starts it again at once while its window admits that, else after a pause; a temporary one is forgotten.
void pool_state::crashed(children::iterator i, const caf::actor& who, const caf::error& why) {
  auto& c = i->second;
  report_crash(args_->parts, path_of(i->first), who, why, c.restarts, c.spec.restart);
  if (!c.spec.restart || quitting_) return erase(i);
  ++c.restarts;
  if (admit(c.past, args_->window, args_->parts.ctx.clock.steady_ms())) {
    c.pause_ms = 0;
    // By a message, not by a call: a start that always fails must not recurse.
    c.generation = ++generations_;
    self_->send(self_, child_timer{i->first, c.generation});
    return;
  }
  c.pause_ms = c.pause_ms == 0 ? args_->pause_ms_min : std::min(c.pause_ms * 2, args_->pause_ms_max);
  args_->parts.ctx.log.warning(path_of(i->first),
                               "crashes again and again; next start in " + std::to_string(c.pause_ms) + " ms");
  arm(i, c.pause_ms);
}

void pool_state::start_again(children::iterator i) {
  auto& c = i->second;
  if (c.actor || quitting_) return;
  auto spawned = spawn_child(self_, args_->parts, path_of(i->first), c.spec.start);
  if (!spawned) return crashed(i, {}, spawned.error());
  c.actor = *spawned;
  by_id_[spawned->id()] = i->first;
  for (auto& p : c.renewed) p.deliver(*spawned);
  c.renewed.clear();
}

void pool_state::on_exit_message(const caf::exit_msg& m) {
  if (by_id_.count(m.source.id()) != 0 || std::exchange(quitting_, true)) return;
  exit_reason_ = m.reason;
  for (auto i = children_.begin(); i != children_.end();) {
    auto here = i++;
    if (here->second.actor)
      ask_to_stop(here, args_->shutdown_ms);
    else
      children_.erase(here);
  }
  if (children_.empty()) self_->quit(exit_reason_);
}

void pool_state::erase(children::iterator i) {
  auto& c = i->second;
  if (c.actor) {
    by_id_.erase(c.actor.id());
    args_->parts.directory.erase(path_of(i->first), c.actor.id());
  }
  for (auto& p : c.waiting) p.deliver(caf::unit);
  for (auto& p : c.renewed) p.deliver(make_error(errc::unavailable, path_of(i->first) + " was stopped"));
  children_.erase(i);
  if (quitting_ && children_.empty()) self_->quit(exit_reason_);
}

void pool_state::arm(children::iterator i, uint32_t ms) {
  self_->delayed_send(self_, std::chrono::milliseconds(ms),
                      child_timer{i->first, i->second.generation = ++generations_});
}

caf::behavior pool(base::stateful<pool_state>* self, pool_args args) { return self->state.make(std::move(args)); }

}  // namespace skerry::supervisors
