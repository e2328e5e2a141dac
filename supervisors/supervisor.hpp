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
  strategy how = strategy::one_for_one;
  restart_window window{};
  std::vector<child_spec> children;
  /// Gets `base::ready` when all children run for the first time; may be null.
  caf::actor parent{};
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
  void on_down(const caf::down_msg& m);
  void on_exit_message(const caf::exit_msg& m);
  std::string path_of(size_t child) const { return args_->path + "/" + args_->children[child].id; }
  caf::result<description> on_describe(const describe& m) const;
  caf::result<caf::actor> on_restart(const restart_child& m);
  std::optional<size_t> find(std::string_view id) const;
  void quit();

  base::actor* self_;
  std::unique_ptr<supervisor_args> args_;
  std::unique_ptr<machine> machine_;
  std::vector<caf::actor> running_;
  std::unordered_map<caf::actor_id, size_t> by_id_;
  std::multimap<size_t, caf::response_promise> restarting_;  ///< who waits for a new start of which child
  caf::error last_crash_;
  caf::error exit_reason_;
  bool announced_ = false;
};

/// A supervisor with OTP's semantics over a fixed list of children: starts them left to right, stops them right to
/// left, restarts them by strategy within its window, and ends with an error when the window is overrun, so that its
/// own supervisor decides. It monitors and never links (a killed link would kill it), and holds the handles that keep
/// its children alive. An exit message with any reason but kill makes it stop its children and end with that reason.
/// Takes `base::ready`, `describe` and `restart_child`.
caf::behavior supervisor(base::stateful<supervisor_state>* self, supervisor_args args);

}  // namespace skerry::supervisors
