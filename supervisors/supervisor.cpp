#include "supervisors/supervisor.hpp"

#include <algorithm>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <deque>

#include "schema/error.hpp"

namespace skerry::supervisors {
namespace {
struct begin {};
struct deadline_passed {
  size_t child;
  uint64_t generation;
};
}  // namespace
}  // namespace skerry::supervisors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::begin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::deadline_passed)

namespace skerry::supervisors {

child_spec worker(std::string id, start_function start, restart when, uint32_t shutdown_ms) {
  return {std::move(id), std::move(start), {.when = when, .shutdown = {shutdown_ms}}};
}

child_spec ready_worker(std::string id, start_function start, uint32_t ready_ms) {
  return {std::move(id), std::move(start), {.awaits_ready = true, .ready_ms = ready_ms}};
}

child_spec subtree(std::string id, start_function start, bool awaits_ready, child_kind kind) {
  return {std::move(id), std::move(start), {.shutdown = {shutdown_rule::infinity}, .awaits_ready = awaits_ready}, kind};
}

/// Children of a supervisor that was killed, or that quit with some left, must not live on unsupervised.
supervisor_state::~supervisor_state() {
  if (!args_) return;
  for (auto& [child, promise] : restarting_)
    promise.deliver(make_error(errc::unavailable, path_of(child) + " was not started again: its supervisor ended"));
  for (size_t i = 0; i < running_.size(); ++i) {
    if (!running_[i]) continue;
    args_->parts.directory.erase(path_of(i), running_[i].id());
    caf::anon_send_exit(running_[i], caf::exit_reason::kill);
  }
}

caf::behavior supervisor_state::make(supervisor_args args) {
  args_ = std::make_unique<supervisor_args>(std::move(args));
  base::prepare(self_, args_->parts.ctx, args_->path);
  std::vector<child_rule> rules;
  for (auto& c : args_->children) rules.push_back(c.rule);
  machine_ = std::make_unique<machine>(args_->how, args_->window, std::move(rules));
  running_.resize(args_->children.size());
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) { on_down(m); });
  self_->set_exit_handler([this](caf::scheduled_actor*, caf::exit_msg& m) { on_exit_message(m); });
  self_->send(self_, begin{});
  return {
      [this](const begin&) {
        if (!machine_->quitting()) act(machine_->begin());
      },
      [this](const base::ready&) {
        auto sender = self_->current_sender();
        if (!sender) return;
        if (auto i = by_id_.find(sender->id()); i != by_id_.end()) act(machine_->on_ready(i->second));
      },
      [this](const deadline_passed& d) {
        act(machine_->on_deadline(d.child, d.generation, args_->parts.ctx.clock.steady_ms()));
      },
      [this](const describe& m) { return on_describe(m); },
      [this](const restart_child& m) { return on_restart(m); },
  };
}

void supervisor_state::act(steps todo) {
  std::deque<step> queue(todo.begin(), todo.end());
  while (!queue.empty()) {
    auto s = queue.front();
    queue.pop_front();
    for (auto& next : perform(s)) queue.push_back(next);
  }
}

/// Does one step and returns what follows from it.
steps supervisor_state::perform(const step& s) {
  switch (s.what) {
    case step::kind::start:
      return start(s.child);
    case step::kind::ask:
      self_->send_exit(running_[s.child], caf::exit_reason::user_shutdown);
      return {};
    case step::kind::kill:
      self_->send_exit(running_[s.child], caf::exit_reason::kill);
      return {};
    case step::kind::arm:
      self_->delayed_send(self_, std::chrono::milliseconds(s.ms), deadline_passed{s.child, s.generation});
      return {};
    case step::kind::abandon:
      args_->parts.ctx.log.error(path_of(s.child),
                                 "does not end though it was killed: it is stuck in a handler; abandoned");
      self_->demonitor(running_[s.child]);
      forget(s.child);
      return {};
    case step::kind::settled:
      if (!std::exchange(announced_, true) && args_->parent) self_->send(args_->parent, base::ready{args_->path});
      return {};
    case step::kind::quit:
      quit();
      return {};
  }
  return {};
}

steps supervisor_state::start(size_t child) {
  auto path = path_of(child);
  auto spawned = spawn_child(self_, args_->parts, path, args_->children[child].start);
  if (!spawned) {
    last_crash_ = spawned.error();
    report_crash(args_->parts, path, {}, last_crash_, machine_->restarts_of(child), true);
    return machine_->on_down(child, ending::abnormal, args_->parts.ctx.clock.steady_ms());
  }
  running_[child] = *spawned;
  by_id_[spawned->id()] = child;
  auto [first, last] = restarting_.equal_range(child);
  for (auto i = first; i != last; ++i) i->second.deliver(*spawned);
  restarting_.erase(first, last);
  return machine_->on_started(child);
}

void supervisor_state::forget(size_t child) {
  auto& r = running_[child];
  args_->parts.directory.erase(path_of(child), r.id());
  by_id_.erase(r.id());
  r = {};
}

void supervisor_state::on_down(const caf::down_msg& m) {
  auto i = by_id_.find(m.source.id());
  if (i == by_id_.end()) return;
  auto child = i->second;
  auto& parts = args_->parts;
  auto how = ending_of(m.reason);
  auto before = machine_->restarts_of(child);
  bool expected = machine_->stopping(child);
  auto ended = running_[child];  // its meter is read below
  forget(child);
  if (!expected && (how == ending::abnormal || args_->children[child].rule.when == restart::permanent)) {
    last_crash_ = m.reason;
    report_crash(parts, path_of(child), ended, m.reason, before, restarts(args_->children[child].rule.when, how));
  }
  act(machine_->on_down(child, how, parts.ctx.clock.steady_ms()));
}

void supervisor_state::on_exit_message(const caf::exit_msg& m) {
  // From a child that links itself to us: its down message says the same.
  if (by_id_.count(m.source.id()) != 0) return;
  if (!machine_->quitting()) exit_reason_ = m.reason;
  act(machine_->on_shutdown());
}

std::optional<size_t> supervisor_state::find(std::string_view id) const {
  auto& all = args_->children;
  auto i = std::find_if(all.begin(), all.end(), [id](auto& c) { return c.id == id; });
  if (i == all.end()) return std::nullopt;
  return i - all.begin();
}

caf::result<description> supervisor_state::on_describe(const describe& m) const {
  description d{args_->path, child_kind::supervisor, args_->how, args_->window, {}, args_->children.size(), false};
  size_t i = 0;
  if (!m.after.empty()) {
    auto at = find(m.after);
    if (!at) return make_error(errc::not_found, args_->path + " has no child \"" + m.after + "\"");
    i = *at + 1;
  }
  for (auto max = std::min(m.max, describe_max); i < args_->children.size() && d.children.size() < max; ++i) {
    auto& c = args_->children[i];
    d.children.push_back(
        {c.id, path_of(i), c.kind, machine_->phase_of(i), c.rule.when, machine_->restarts_of(i), running_[i]});
  }
  d.more = i < args_->children.size();
  return d;
}

caf::result<caf::actor> supervisor_state::on_restart(const restart_child& m) {
  auto child = find(m.id);
  if (!child) return make_error(errc::not_found, args_->path + " has no child \"" + m.id + "\"");
  if (machine_->quitting()) return make_error(errc::unavailable, args_->path + " is stopping");
  auto promise = self_->make_response_promise();
  restarting_.emplace(*child, promise);
  act(machine_->on_restart(*child));
  return promise;
}

void supervisor_state::quit() {
  auto culprit = machine_->culprit();
  if (!culprit) return self_->quit(exit_reason_);
  auto text = args_->path + ": more than " + std::to_string(args_->window.intensity) + " restarts within " +
              std::to_string(args_->window.period_ms) + " ms; last " + path_of(*culprit) + ": " +
              message_of(last_crash_);
  args_->parts.ctx.log.error(args_->path, text);
  self_->quit(make_error(errc::internal, std::move(text)));
}

caf::behavior supervisor(base::stateful<supervisor_state>* self, supervisor_args args) {
  return self->state.make(std::move(args));
}

}  // namespace skerry::supervisors
