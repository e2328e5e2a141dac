#pragma once
#include <caf/response_promise.hpp>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "actors/base/actor.hpp"
#include "actors/base/pool.hpp"
#include "supervisors/children.hpp"
#include "supervisors/introspect.hpp"

namespace skerry::supervisors {

struct pool_args {
  const services& parts;
  std::string path;
  /// For each child. A child that crashes oftener is started again after a pause instead (below).
  restart_window window{.intensity = 5, .period_ms = 10'000};
  uint32_t pause_ms_min = 1'000;  ///< doubled for each further crash
  uint32_t pause_ms_max = 60'000;
  uint32_t shutdown_ms = 10'000;  ///< for each child when the pool itself ends
  size_t children_max = 100'000;  ///< start_child beyond it is refused with errc::too_many
};

/// Internal state of the pool; public only because CAF constructs it.
class pool_state {
public:
  static inline const char* name = "pool";
  explicit pool_state(base::actor* self) : self_(self) {}
  ~pool_state();

  caf::behavior make(pool_args args);

private:
  struct child {
    base::start_child spec;
    caf::actor actor;
    std::deque<int64_t> past;
    uint32_t restarts = 0;
    uint32_t pause_ms = 0;
    uint64_t generation = 0;
    bool stopping = false;
    bool killed = false;
    bool renewing = false;                       ///< it is stopped to be started again
    std::vector<caf::response_promise> waiting;  ///< for its end
    std::vector<caf::response_promise> renewed;  ///< for its next start
  };
  using children = std::map<std::string, child, std::less<>>;

  caf::result<caf::actor> on_start(const base::start_child& m);
  caf::result<void> on_stop(const base::stop_child& m);
  caf::result<caf::actor> on_find(const base::find_child& m) const;
  caf::result<description> on_describe(const describe& m) const;
  caf::result<caf::actor> on_restart(const restart_child& m);
  void on_timer(const std::string& id, uint64_t generation);
  void on_down(const caf::down_msg& m);
  void on_exit_message(const caf::exit_msg& m);
  void ask_to_stop(children::iterator i, uint32_t shutdown_ms);
  void start_again(children::iterator i);
  void crashed(children::iterator i, const caf::actor& who, const caf::error& why);
  void gone(children::iterator i);
  void erase(children::iterator i);
  void arm(children::iterator i, uint32_t ms);
  std::string path_of(std::string_view id) const;

  base::actor* self_;
  std::unique_ptr<pool_args> args_;
  children children_;
  std::unordered_map<caf::actor_id, std::string> by_id_;
  uint64_t generations_ = 0;  ///< of all timers, so that one of an erased child never fits a new one of its id
  bool quitting_ = false;
  caf::error exit_reason_;
};

/// A supervisor of like children that come and go, each for itself: OTP's simple_one_for_one, with ids. Takes
/// base::start_child, base::stop_child, base::find_child, describe and restart_child. Unlike OTP's it does not give up
/// when one child overruns its window, for one poisoned pod must not stop the pods beside it: that child is started
/// again after growing pauses, each crash reported. When the pool ends, all children are asked at once, each with its
/// deadline.
caf::behavior pool(base::stateful<pool_state>* self, pool_args args);

}  // namespace skerry::supervisors
