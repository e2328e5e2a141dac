#include <algorithm>

#include "schema/error.hpp"
#include "supervisors/supervisor.hpp"

/// What people and other actors ask of a supervisor.
namespace skerry::supervisors {

std::optional<size_t> supervisor_state::find(std::string_view id) const {
  auto& all = args_->children;
  auto i = std::find_if(all.begin(), all.end(), [id](auto& c) { return c.id == id; });
  if (i == all.end()) return std::nullopt;
  return i - all.begin();
}

caf::error supervisor_state::absent(std::string_view id) const {
  return make_error(errc::not_found, args_->path + " has no child \"" + std::string{id} + "\"");
}

void supervisor_state::answer(std::multimap<std::string, caf::response_promise>& waiting, const std::string& id,
                              caf::message with) {
  auto [first, last] = waiting.equal_range(id);
  for (auto i = first; i != last; ++i) i->second.deliver(with);
  waiting.erase(first, last);
}

caf::result<description> supervisor_state::on_describe(const describe& m) const {
  auto& rules = args_->rules;
  description d{args_->path, child_kind::supervisor, rules.how, rules.window, {}, args_->children.size(), false};
  size_t i = 0;
  if (!m.after.empty()) {
    auto at = find(m.after);
    if (!at) return absent(m.after);
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
  if (!child) return absent(m.id);
  if (machine_->quitting()) return make_error(errc::unavailable, args_->path + " is stopping");
  auto promise = self_->make_response_promise();
  starting_.emplace(m.id, promise);
  act(machine_->on_restart(*child));
  return promise;
}

caf::result<caf::actor> supervisor_state::on_add(const add_child& m) {
  auto& spec = m.spec;
  if (machine_->quitting()) return make_error(errc::unavailable, args_->path + " is stopping");
  if (find(spec.id)) return make_error(errc::already_exists, args_->path + "/" + spec.id + " is there already");
  if (args_->children.size() >= children_of_supervisor_max)
    return make_error(errc::too_many, args_->path + " has " + std::to_string(children_of_supervisor_max) +
                                          " children, its limit: a pool holds many");
  if (auto fault = fault_of(args_->rules, spec.rule); !fault.empty())
    return make_error(errc::invalid, args_->path + "/" + spec.id + ": " + fault);
  auto promise = self_->make_response_promise();
  starting_.emplace(spec.id, promise);
  args_->children.push_back(spec);
  running_.emplace_back();
  act(machine_->on_add(spec.rule));
  return promise;
}

caf::result<void> supervisor_state::on_terminate(const terminate_child& m) {
  auto child = find(m.id);
  if (!child) return absent(m.id);
  if (machine_->quitting()) return make_error(errc::unavailable, args_->path + " is stopping");
  auto promise = self_->make_response_promise();
  answer(starting_, m.id, caf::make_message(make_error(errc::cancelled, path_of(*child) + " was terminated")));
  terminating_.emplace(m.id, promise);
  bool down = !running_[*child];
  act(machine_->on_terminate(*child));
  if (down) answer(terminating_, m.id, caf::make_message());
  return caf::delegated<void>{};
}

caf::result<void> supervisor_state::on_delete(const delete_child& m) {
  auto child = find(m.id);
  if (!child) return absent(m.id);
  if (!machine_->idle(*child))
    return make_error(errc::conflict, path_of(*child) + " is not down for good: terminate it first");
  act(machine_->on_delete(*child));
  return caf::unit;
}

}  // namespace skerry::supervisors
