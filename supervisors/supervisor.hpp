#pragma once
#include <caf/response_promise.hpp>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "actors/base/actor.hpp"
#include "supervisors/children.hpp"
#include "supervisors/introspect.hpp"
#include "supervisors/machine.hpp"

namespace skerry::supervisors {

/// One child of a supervisor. Its path is "<supervisor path>/<id>".
struct child_spec {
  std::string id;
  /// Spawns the child; called again for every restart. It may throw: that counts as a crash.
  start_function start;
  child_rule rule{};
  child_kind kind = child_kind::worker;
};

/// A child that does work: permanent, asked to stop, killed after 5 s.
child_spec worker(std::string id, start_function start, restart when = restart::permanent, uint32_t shutdown_ms = 5000);
/// As worker, and the next child starts only after this one sent `base::ready` to its supervisor.
child_spec ready_worker(std::string id, start_function start, uint32_t ready_ms = 30'000);
/// A child that is a supervisor or pool: its own children have deadlines, so it is waited for without one.
/// `kind` tells those who look at the tree what it is. `awaits_ready` holds the next child back until all of its
/// children run (give `parent` in its args).
child_spec subtree(std::string id, start_function start, bool awaits_ready = false,
                   child_kind kind = child_kind::supervisor);

struct supervisor_args {
  const services& parts;
  std::string path;
  supervision rules{};
  std::vector<child_spec> children{};  ///< at most children_of_supervisor_max, later ones included
  /// Gets `base::ready` when all children run for the first time; may be null.
  caf::actor parent{};
  bool root = false;  ///< it has no supervisor that would put it into the directory: it does so itself
};
inline constexpr size_t children_of_supervisor_max = 1'000;

// What can be asked of a running supervisor beside `describe` and `restart_child` (introspect.hpp).

/// One more child, behind the others. Answered with its `caf::actor`; errc::already_exists if the id is taken,
/// errc::too_many, or what its start function failed with: then it is forgotten again.
struct add_child {
  child_spec spec;
};
/// Stops a child as its rule says and leaves it down until `restart_child`, or until a sibling's end starts it by the
/// strategy. A temporary one is forgotten. Answered with `caf::unit` when it has ended; errc::not_found.
struct terminate_child {
  std::string id;
};
/// Forgets a child that is down for good. Answered with `caf::unit`; errc::not_found, or errc::conflict if it runs or
/// is about to be started.
struct delete_child {
  std::string id;
};

/// Internal state of the supervisor; public only because CAF constructs it.
class supervisor_state {
public:
  static inline const char* name = "supervisor";
  explicit supervisor_state(base::actor* self) : self_(self) {}
  ~supervisor_state();

  caf::behavior make(supervisor_args args);

private:
  void act(steps todo);
  steps perform(const step& s);
  steps start(size_t child);
  void forget(size_t child);
  void drop(size_t child);
  void on_down(const caf::down_msg& m);
  void on_exit_message(const caf::exit_msg& m);
  std::string path_of(size_t child) const { return args_->path + "/" + args_->children[child].id; }
  void quit();

  caf::result<description> on_describe(const describe& m) const;
  caf::result<caf::actor> on_restart(const restart_child& m);
  caf::result<caf::actor> on_add(const add_child& m);
  caf::result<void> on_terminate(const terminate_child& m);
  caf::result<void> on_delete(const delete_child& m);
  std::optional<size_t> find(std::string_view id) const;
  caf::error absent(std::string_view id) const;
  void answer(std::multimap<std::string, caf::response_promise>& waiting, const std::string& id, caf::message with);

  base::actor* self_;
  std::unique_ptr<supervisor_args> args_;
  std::unique_ptr<machine> machine_;
  std::vector<caf::actor> running_;
  std::unordered_map<caf::actor_id, size_t> by_id_;
  std::multimap<std::string, caf::response_promise> starting_;     ///< who waits for the start of which child
  std::multimap<std::string, caf::response_promise> terminating_;  ///< who waits for its end
  caf::error last_crash_;
  caf::error exit_reason_;
  bool announced_ = false;
};

/// A supervisor with OTP's semantics over a list of children: starts them left to right, stops them right to left,
/// restarts them by strategy within its window, and ends with an error when the window is overrun, so that its own
/// supervisor decides; or with a shutdown when its significant children are done. It monitors and never links (a killed
/// link would kill it), and holds the handles that keep its children alive. An exit message with any reason but kill
/// makes it stop its children and end with that reason. Takes `base::ready`, `describe`, `restart_child`, `add_child`,
/// `terminate_child` and `delete_child`. Arguments that make no sense (an id twice, a permanent child that is
/// significant) end it at once with errc::invalid.
caf::behavior supervisor(base::stateful<supervisor_state>* self, supervisor_args args);

}  // namespace skerry::supervisors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::add_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::terminate_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::delete_child)
