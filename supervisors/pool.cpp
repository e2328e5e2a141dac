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
    if (c.bad)
      for (auto* list : {&c.bad->waiting, &c.bad->renewed})
        for (auto& p : *list) p.deliver(make_error(errc::unavailable, std::string{id.path()} + ": its pool ended"));
    if (c.actor) orphan(args_->parts, std::string{id.path()}, c.actor, c.restarts);
  }
}

caf::behavior pool_state::make(pool_args args) {
  args_ = std::make_unique<pool_args>(std::move(args));
  base::prepare(self_, args_->parts.ctx, args_->path);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) { on_down(m); });
  self_->set_exit_handler([this](caf::scheduled_actor*, caf::exit_msg& m) { on_exit_message(m); });
  if (args_->parent) self_->send(args_->parent, base::ready{args_->path});
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

pool_state::children::iterator pool_state::find(std::string_view id) {
  return children_.find(std::string_view{path_of(id)});
}

/// The child whose actor this is; end() for anybody else. An actor knows its path, which spares a second index.
pool_state::children::iterator pool_state::child_of(const caf::actor_addr& who) {
  if (auto s = strangers_.find(who.id()); s != strangers_.end()) return s->second;
  auto handle = caf::actor_cast<caf::actor>(who);
  auto* known = base::actor_of(handle);
  auto i = known == nullptr ? children_.end() : children_.find(known->path());
  return i != children_.end() && i->second.actor == handle ? i : children_.end();
}

/// Its actor was spawned just now.
void pool_state::remember(children::iterator i) {
  auto& who = i->second.actor;
  auto* known = base::actor_of(who);
  if (known == nullptr || known->path() != i->first.path()) strangers_.emplace(who.id(), i);
}

// -- what is asked ----------------------------------------------------------------------------------------------------

caf::result<caf::actor> pool_state::on_start(const base::start_child& m) {
  if (quitting_) return make_error(errc::unavailable, args_->path + " is stopping; " + m.id + " was not started");
  if (find(m.id) != children_.end()) return make_error(errc::already_exists, path_of(m.id) + " is there already");
  if (children_.size() >= args_->children_max)
    return make_error(errc::too_many,
                      args_->path + " holds " + std::to_string(children_.size()) + " children, its limit");
  auto spawned = spawn_child(self_, args_->parts, path_of(m.id), m.start);
  if (!spawned) return spawned.error();
  auto i = children_.try_emplace(std::move(spawned->id), child{m.start, spawned->who, nullptr, 0, m.when}).first;
  remember(i);
  return spawned->who;
}

caf::result<void> pool_state::on_stop(const base::stop_child& m) {
  auto i = find(m.id);
  if (i == children_.end()) return caf::unit;
  auto promise = self_->make_response_promise();
  auto& bad = i->second.in_trouble();
  bad.waiting.push_back(promise);
  bad.renewing = false;
  if (i->second.actor)
    ask_to_stop(i, m.shutdown_ms);
  else
    erase(i);  // it was in its pause before a restart
  return caf::delegated<void>{};
}

caf::result<caf::actor> pool_state::on_find(const base::find_child& m) {
  auto i = find(m.id);
  if (i == children_.end() || i->second.stopping()) return make_error(errc::not_found, path_of(m.id) + " is not there");
  if (!i->second.actor) return make_error(errc::unavailable, path_of(m.id) + " crashed and waits for its restart");
  return i->second.actor;
}

caf::result<description> pool_state::on_describe(const describe& m) const {
  description d{args_->path, child_kind::pool, strategy::one_for_one, args_->window, {}, children_.size(), false};
  auto i = m.after.empty() ? children_.begin() : children_.upper_bound(std::string_view{path_of(m.after)});
  for (auto max = std::min(m.max, describe_max); i != children_.end() && d.children.size() < max; ++i) {
    auto& c = i->second;
    auto now = !c.actor ? phase::paused : !c.stopping() ? phase::up : c.bad->killed ? phase::killed : phase::asked;
    d.children.push_back({std::string{id_of(*i)}, path_of(*i), child_kind::worker, now, c.when, c.restarts, c.actor});
  }
  d.more = i != children_.end();
  return d;
}

caf::result<caf::actor> pool_state::on_restart(const restart_child& m) {
  auto i = find(m.id);
  if (i == children_.end()) return make_error(errc::not_found, path_of(m.id) + " is not there");
  auto& bad = i->second.in_trouble();
  if (quitting_ || (bad.stopping && !bad.renewing))
    return make_error(errc::unavailable, path_of(m.id) + " is stopping");
  auto promise = self_->make_response_promise();
  bad.renewed.push_back(promise);
  if (i->second.actor) {
    bad.renewing = true;
    ask_to_stop(i, args_->shutdown_ms);
  } else {
    bad.generation = ++generations_;  // its pause, if it is in one, is over
    start_again(i);
  }
  return promise;
}

// -- stops ------------------------------------------------------------------------------------------------------------

void pool_state::ask_to_stop(children::iterator i, uint32_t shutdown_ms) {
  auto& bad = i->second.in_trouble();
  if (std::exchange(bad.stopping, true)) return;
  if (shutdown_ms == shutdown_rule::brutal_kill) {
    bad.killed = bad.brutal = true;
    self_->send_exit(i->second.actor, caf::exit_reason::kill);
    arm(i, kill_ms_max);
  } else {
    self_->send_exit(i->second.actor, caf::exit_reason::user_shutdown);
    if (shutdown_ms != shutdown_rule::infinity) arm(i, shutdown_ms);
  }
}

void pool_state::on_timer(const std::string& id, uint64_t generation) {
  auto i = find(id);
  if (i == children_.end() || !i->second.bad || i->second.bad->generation != generation) return;
  auto& bad = *i->second.bad;
  if (!bad.stopping) return start_again(i);
  if (!std::exchange(bad.killed, true)) {
    self_->send_exit(i->second.actor, caf::exit_reason::kill);
    arm(i, kill_ms_max);
    return;
  }
  report_crash(args_->parts, path_of(id), i->second.actor, stuck(), i->second.restarts, aftermath::stopping);
  self_->demonitor(i->second.actor);
  strangers_.erase(i->second.actor.id());
  gone(i);
}

/// A child that was asked to stop ended: it is forgotten, or started again if that is what it was stopped for.
void pool_state::gone(children::iterator i) {
  auto& c = i->second;
  if (!c.bad->renewing || quitting_) return erase(i);
  args_->parts.directory.erase(i->first.path(), c.actor.id());
  c.actor = nullptr;
  c.bad->stopping = c.bad->killed = c.bad->brutal = c.bad->renewing = false;
  c.bad->generation = ++generations_;
  start_again(i);
}

// -- ends -------------------------------------------------------------------------------------------------------------

void pool_state::on_down(const caf::down_msg& m) {
  auto i = child_of(m.source);
  if (i == children_.end()) return;
  strangers_.erase(m.source.id());
  auto& c = i->second;
  if (c.stopping()) {
    if (failed_to_stop(m.reason, c.bad->brutal))
      report_crash(args_->parts, path_of(*i), c.actor, m.reason, c.restarts, aftermath::stopping);
    return gone(i);
  }
  args_->parts.directory.erase(i->first.path(), c.actor.id());
  ended(i, std::exchange(c.actor, nullptr), m.reason);
}

/// It ended by itself, or did not start again: it is started again, at once or after a pause, or forgotten.
void pool_state::ended(children::iterator i, const caf::actor& who, const caf::error& why) {
  auto& c = i->second;
  auto how = ending_of(why);
  bool again = restarts(c.when, how) && !quitting_;
  if (how == ending::abnormal || c.when == restart::permanent)
    report_crash(args_->parts, path_of(*i), who, why, c.restarts, again ? aftermath::again : aftermath::none);
  if (!again) return erase(i);
  ++c.restarts;
  auto& bad = c.in_trouble();
  if (admitted(i)) {
    bad.pause_ms = 0;
    // By a message, not by a call: a start that always fails must not recurse.
    bad.generation = ++generations_;
    self_->send(self_, child_timer{std::string{id_of(*i)}, bad.generation});
    return;
  }
  if (args_->when_overrun == overrun::escalate) {
    auto text = args_->path + ": more than " + std::to_string(args_->window.intensity) + " restarts within " +
                std::to_string(args_->window.period_ms) + " ms; last " + path_of(*i) + ": " + message_of(why);
    args_->parts.ctx.log.error(args_->path, text);
    return begin_to_end(make_error(errc::internal, std::move(text)));
  }
  bad.pause_ms = bad.pause_ms == 0 ? args_->pause_ms_min : std::min(bad.pause_ms * 2, args_->pause_ms_max);
  args_->parts.ctx.log.warning(path_of(*i),
                               "crashes again and again; next start in " + std::to_string(bad.pause_ms) + " ms");
  arm(i, bad.pause_ms);
}

bool pool_state::admitted(children::iterator i) {
  auto& past = args_->when_overrun == overrun::escalate ? past_ : i->second.in_trouble().past;
  return admit(past, args_->window, args_->parts.ctx.clock.steady_ms());
}

void pool_state::start_again(children::iterator i) {
  auto& c = i->second;
  if (c.actor || quitting_) return;
  auto spawned = spawn_child(self_, args_->parts, path_of(*i), c.start);
  if (!spawned) return ended(i, {}, spawned.error());
  c.actor = spawned->who;
  remember(i);
  for (auto& p : c.bad->renewed) p.deliver(c.actor);
  c.bad->renewed.clear();
}

// -- the pool's own end -----------------------------------------------------------------------------------------------

void pool_state::on_exit_message(const caf::exit_msg& m) {
  if (child_of(m.source) == children_.end()) begin_to_end(m.reason);
}

void pool_state::begin_to_end(caf::error reason) {
  if (std::exchange(quitting_, true)) return;
  exit_reason_ = std::move(reason);
  std::vector<children::iterator> down;
  for (auto i = children_.begin(); i != children_.end(); ++i) {
    if (i->second.actor)
      ask_to_stop(i, args_->shutdown_ms);
    else
      down.push_back(i);
  }
  for (auto i : down) erase(i);
  if (children_.empty()) self_->quit(exit_reason_);
}

void pool_state::erase(children::iterator i) {
  auto& c = i->second;
  if (c.actor) {
    strangers_.erase(c.actor.id());
    args_->parts.directory.erase(i->first.path(), c.actor.id());
  }
  if (c.bad) {
    for (auto& p : c.bad->waiting) p.deliver(caf::unit);
    for (auto& p : c.bad->renewed) p.deliver(make_error(errc::unavailable, path_of(*i) + " was stopped"));
  }
  children_.erase(i);
  if (quitting_ && children_.empty()) self_->quit(exit_reason_);
}

void pool_state::arm(children::iterator i, uint32_t ms) {
  auto generation = i->second.in_trouble().generation = ++generations_;
  self_->delayed_send(self_, std::chrono::milliseconds(ms), child_timer{std::string{id_of(*i)}, generation});
}

caf::behavior pool(base::stateful<pool_state>* self, pool_args args) { return self->state.make(std::move(args)); }

}  // namespace skerry::supervisors
