#include "supervisors/supervisor.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <deque>
#include <set>

#include "schema/error.hpp"

namespace skerry::supervisors {
namespace {
struct begin {};
struct deadline_passed {
  uint64_t generation;
};
}  // namespace
}  // namespace skerry::supervisors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::begin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::deadline_passed)

namespace skerry::supervisors {
namespace {

/// What is wrong with the arguments; empty if nothing is.
std::string fault_of(const supervisor_args& args) {
  if (args.children.size() > children_of_supervisor_max)
    return "more than " + std::to_string(children_of_supervisor_max) + " children: a pool holds many";
  std::set<std::string_view> ids;
  for (auto& c : args.children) {
    if (!ids.insert(c.id).second) return "two children have the id \"" + c.id + "\"";
    if (auto fault = fault_of(args.rules, c.rule); !fault.empty()) return "child \"" + c.id + "\": " + fault;
  }
  return {};
}

}  // namespace

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
  args_->parts.directory.erase(args_->path, self_->id());  // of a root, which nobody else would erase
  for (auto* waiting : {&starting_, &terminating_})
    for (auto& [id, promise] : *waiting)
      promise.deliver(make_error(errc::unavailable, args_->path + "/" + id + ": its supervisor ended"));
  for (size_t i = 0; i < running_.size(); ++i)
    if (running_[i]) orphan(args_->parts, path_of(i), running_[i], machine_->restarts_of(i));
}

caf::behavior supervisor_state::make(supervisor_args args) {
  args_ = std::make_unique<supervisor_args>(std::move(args));
  base::prepare(self_, args_->parts.ctx, args_->path);
  if (auto fault = fault_of(*args_); !fault.empty()) {
    args_->children.clear();
    self_->quit(make_error(errc::invalid, args_->path + ": " + fault));
    return {};
  }
  if (args_->root) args_->parts.directory.put(args_->path, caf::actor{self_});
  std::vector<child_rule> rules;
  for (auto& c : args_->children) rules.push_back(c.rule);
  machine_ = std::make_unique<machine>(args_->rules, std::move(rules));
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
        act(machine_->on_deadline(d.generation, args_->parts.ctx.clock.steady_ms()));
      },
      [this](const describe& m) { return on_describe(m); },
      [this](const restart_child& m) { return on_restart(m); },
      [this](const add_child& m) { return on_add(m); },
      [this](const terminate_child& m) { return on_terminate(m); },
      [this](const delete_child& m) { return on_delete(m); },
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
      self_->delayed_send(self_, std::chrono::milliseconds(s.ms), deadline_passed{s.generation});
      return {};
    case step::kind::abandon:
      last_crash_ = stuck();
      report_crash(args_->parts, path_of(s.child), running_[s.child], last_crash_, machine_->restarts_of(s.child),
                   machine_->stopping(s.child) ? aftermath::stopping : aftermath::again);
      self_->demonitor(running_[s.child]);
      forget(s.child);
      return {};
    case step::kind::drop:
      drop(s.child);
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
    if (machine_->added(child)) {
      answer(starting_, args_->children[child].id, caf::make_message(last_crash_));
      return machine_->on_down(child, ending::abnormal, args_->parts.ctx.clock.steady_ms());
    }
    report_crash(args_->parts, path, {}, last_crash_, machine_->restarts_of(child), aftermath::again);
    return machine_->on_down(child, ending::abnormal, args_->parts.ctx.clock.steady_ms());
  }
  running_[child] = spawned->who;
  by_id_[spawned->who.id()] = child;
  answer(starting_, args_->children[child].id, caf::make_message(spawned->who));
  return machine_->on_started(child);
}

void supervisor_state::forget(size_t child) {
  auto& r = running_[child];
  args_->parts.directory.erase(path_of(child), r.id());
  by_id_.erase(r.id());
  r = {};
  answer(terminating_, args_->children[child].id, caf::make_message());
}

void supervisor_state::drop(size_t child) {
  answer(starting_, args_->children[child].id,
         caf::make_message(make_error(errc::unavailable, path_of(child) + " is gone")));
  running_.erase(running_.begin() + static_cast<ptrdiff_t>(child));
  args_->children.erase(args_->children.begin() + static_cast<ptrdiff_t>(child));
  for (auto& [id, index] : by_id_)
    if (index > child) --index;
}

void supervisor_state::on_down(const caf::down_msg& m) {
  auto i = by_id_.find(m.source.id());
  if (i == by_id_.end()) return;
  auto child = i->second;
  auto& parts = args_->parts;
  auto how = ending_of(m.reason);
  auto before = machine_->restarts_of(child);
  bool stopping = machine_->stopping(child);
  auto ended = running_[child];  // its meter is read below
  forget(child);
  auto& rule = args_->children[child].rule;
  if (stopping) {
    if (failed_to_stop(m.reason, rule.shutdown.ms == shutdown_rule::brutal_kill))
      report_crash(parts, path_of(child), ended, m.reason, before, aftermath::stopping);
  } else if (how == ending::abnormal || rule.when == restart::permanent) {
    last_crash_ = m.reason;
    report_crash(parts, path_of(child), ended, m.reason, before,
                 restarts(rule.when, how) ? aftermath::again : aftermath::none);
  }
  act(machine_->on_down(child, how, parts.ctx.clock.steady_ms()));
}

void supervisor_state::on_exit_message(const caf::exit_msg& m) {
  // From a child that links itself to us: its down message says the same.
  if (by_id_.count(m.source.id()) != 0) return;
  if (!machine_->quitting()) exit_reason_ = m.reason;
  act(machine_->on_shutdown());
}

void supervisor_state::quit() {
  auto culprit = machine_->culprit();
  switch (machine_->why()) {
    case farewell::asked:
      return self_->quit(exit_reason_);
    case farewell::significant:
      args_->parts.ctx.log.info(args_->path, "ends: " + path_of(*culprit) + ", which is significant, is done");
      return self_->quit(caf::exit_reason::user_shutdown);
    case farewell::overrun:
    case farewell::failed_start: {
      auto& w = args_->rules.window;
      auto text =
          args_->path + ": " +
          (machine_->why() == farewell::overrun ? "more than " + std::to_string(w.intensity) + " restarts within " +
                                                      std::to_string(w.period_ms) + " ms; last " + path_of(*culprit)
                                                : path_of(*culprit) + " did not start") +
          ": " + message_of(last_crash_);
      args_->parts.ctx.log.error(args_->path, text);
      return self_->quit(make_error(errc::internal, std::move(text)));
    }
  }
}

caf::behavior supervisor(base::stateful<supervisor_state>* self, supervisor_args args) {
  return self->state.make(std::move(args));
}

}  // namespace skerry::supervisors
