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

/// What a pool does when a child crashes oftener than the window admits.
enum class overrun : uint8_t {
  pause,     ///< the window is each child's own: that child is started again after growing pauses, the pool lives on
  escalate,  ///< OTP: the window is the pool's, and the pool ends with an error, so that its supervisor decides
};

struct pool_args {
  const services& parts;
  std::string path;
  restart_window window{.intensity = 5, .period_ms = 10'000};
  overrun when_overrun = overrun::pause;
  uint32_t pause_ms_min = 1'000;  ///< doubled for each further crash
  uint32_t pause_ms_max = 60'000;
  uint32_t shutdown_ms = 10'000;  ///< for each child when the pool itself ends
  size_t children_max = 100'000;  ///< start_child beyond it is refused with errc::too_many
  caf::actor parent{};            ///< gets `base::ready` at once, for a supervisor that awaits it; may be null
};

/// Internal state of the pool; public only because CAF constructs it.
class pool_state {
public:
  static inline const char* name = "pool";
  explicit pool_state(base::actor* self) : self_(self) {}
  ~pool_state();

  caf::behavior make(pool_args args);

private:
  /// What is kept of a child that crashed, or is being stopped; most have none.
  struct trouble {
    std::deque<int64_t> past;
    uint32_t pause_ms = 0;
    uint64_t generation = 0;
    bool stopping = false;
    bool killed = false;
    bool brutal = false;                         ///< it was to be killed, not asked
    bool renewing = false;                       ///< it is stopped to be started again
    std::vector<caf::response_promise> waiting;  ///< for its end
    std::vector<caf::response_promise> renewed;  ///< for its next start
  };
  /// There may be 100,000: each byte counts.
  struct child {
    start_function start;
    caf::actor actor;
    std::unique_ptr<trouble> bad;
    uint32_t restarts = 0;
    restart when = restart::transient;

    trouble& in_trouble() { return bad ? *bad : *(bad = std::make_unique<trouble>()); }
    bool stopping() const { return bad && bad->stopping; }
  };
  using children = std::map<base::identity, child, base::by_path>;  ///< by their whole paths

  caf::result<caf::actor> on_start(const base::start_child& m);
  caf::result<void> on_stop(const base::stop_child& m);
  caf::result<caf::actor> on_find(const base::find_child& m);
  caf::result<description> on_describe(const describe& m) const;
  caf::result<caf::actor> on_restart(const restart_child& m);
  void on_timer(const std::string& id, uint64_t generation);
  void on_down(const caf::down_msg& m);
  void on_exit_message(const caf::exit_msg& m);
  void begin_to_end(caf::error reason);
  void ask_to_stop(children::iterator i, uint32_t shutdown_ms);
  void start_again(children::iterator i);
  void ended(children::iterator i, const caf::actor& who, const caf::error& why);
  bool admitted(children::iterator i);
  void gone(children::iterator i);
  void erase(children::iterator i);
  void arm(children::iterator i, uint32_t ms);
  children::iterator find(std::string_view id);
  children::iterator child_of(const caf::actor_addr& who);
  void remember(children::iterator i);
  std::string path_of(std::string_view id) const { return args_->path + "/" + std::string{id}; }
  /// The id of a child, from its path.
  std::string_view id_of(const children::value_type& c) const { return c.first.path().substr(args_->path.size() + 1); }
  static std::string path_of(const children::value_type& c) { return std::string{c.first.path()}; }

  base::actor* self_;
  std::unique_ptr<pool_args> args_;
  children children_;
  /// Children by their actors, as far as those do not know their own paths.
  std::unordered_map<caf::actor_id, children::iterator> strangers_;
  std::deque<int64_t> past_;  ///< restarts of all children, where the window is the pool's
  uint64_t generations_ = 0;  ///< of all timers, so that one of an erased child never fits a new one of its id
  bool quitting_ = false;
  caf::error exit_reason_;
};

/// A supervisor of like children that come and go, each for itself: OTP's simple_one_for_one, with ids. Takes
/// base::start_child, base::stop_child, base::find_child, describe and restart_child. A start that fails is told to who
/// asked for it; one that fails at a restart is a crash. Unlike OTP's, a pool does not give up when a child overruns
/// the window, unless told to (overrun::escalate), for one poisoned pod must not stop the pods beside it: that child is
/// started again after growing pauses, each crash reported. When the pool ends, all children are asked at once, each
/// with its deadline.
caf::behavior pool(base::stateful<pool_state>* self, pool_args args);

}  // namespace skerry::supervisors
