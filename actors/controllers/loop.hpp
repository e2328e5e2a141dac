#pragma once
#include <caf/event_based_actor.hpp>
#include <caf/message_handler.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/base/actor.hpp"
#include "actors/controllers/args.hpp"
#include "actors/controllers/work_queue.hpp"

namespace skerry::controllers {

/// What a loop says to itself.
namespace loop_messages {
struct tick {
  uint64_t generation;
};
struct work {};
struct reconnect {
  uint64_t generation;
};
}  // namespace loop_messages

/// Marks a key as dirty.
using marker = std::function<void(const store::object_key&)>;

/// What makes a loop this or that controller. All functions are called by the loop's own actor alone.
struct loop_spec {
  std::string path;                    ///< "/cloud/controllers/deployment"
  std::vector<std::string> resources;  ///< whose changes it wants; empty: all
  /// Forgets what it derived from events and derives it anew from the whole view; marks all keys. At start, after the
  /// store was restarted, and when the loop fell behind what the store remembers.
  std::function<void(const store::view&, const marker&)> reset;
  /// Takes one change into what is derived; marks the keys that it concerns.
  std::function<void(const store::view&, const store::event&, const marker&)> observe;
  /// Says what is to be done about one key, as of the view. Pure but for what the two above derived.
  std::function<effects(const store::view&, const store::object_key&, const moment&)> reconcile;
  /// Marks keys again from time to time, against what no event tells; 0: never.
  uint32_t resync_ms = 10 * 60 * 1000;
  std::function<void(const store::view&, const marker&)> resync;
};

/// The shell of a level-triggered controller: follows the store, keeps the work queue, reconciles one key after another
/// on the newest view, commits the effects, and tries again with growing waits what failed. It never acts on a view
/// older than its own last commit (nothing is created twice), lives through restarts of the store, and holds at most
/// `working_max` keys in flight so that commits of many keys share one sync of the disk.
class loop {
public:
  static constexpr size_t working_max = 32;
  static constexpr uint32_t commit_timeout_ms = 10'000;
  static constexpr uint32_t reconnect_ms_min = 50;
  static constexpr uint32_t reconnect_ms_max = 2'000;

  /// `self` outlives the loop, which is part of its state.
  loop(base::actor* self, const controller_args& args, loop_spec spec);

  /// The handlers of the actor; more may be added with `or_else`. Call `start` once, before the first message.
  caf::message_handler handlers();
  void start();

  void mark(const store::object_key& k);
  const store::reader& reader() const { return args_.reader; }

private:
  void connect();
  void connect_later();
  void subscribe(const store::view& v);
  void lost(const std::string& why);
  void on_events(const store::events& e);
  void schedule_work();
  void run();
  void reconcile(const store::view& v, const store::object_key& k);
  void commit(const store::object_key& k, std::vector<store::commit> commits);
  void settle(const store::object_key& k, const caf::error& why);
  void arm();
  bool concerns(const store::commit& c) const;

  base::actor* self_;
  controller_args args_;
  loop_spec spec_;
  marker marker_;
  work_queue queue_;
  struct flight {
    size_t open = 0;
    caf::error first_error;
  };
  std::map<store::object_key, flight> flights_;

  caf::actor store_;
  uint64_t connection_ = 0;  ///< generation of the subscription
  bool following_ = false;
  bool work_sent_ = false;
  int64_t resync_at_ms_ = 0;
  uint32_t reconnect_ms_ = reconnect_ms_min;
  uint64_t seen_ = 0;       ///< revision up to which changes were observed
  uint64_t own_ = 0;        ///< revision of the newest own commit
  uint64_t own_event_ = 0;  ///< ... of the newest own commit whose events come back to this loop
  uint64_t tick_generation_ = 0;
  int64_t tick_at_ms_ = 0;
};

/// A controller's state as an actor: its core, which has `reset`, `observe`, `reconcile` and `resync`, and the loop
/// around it.
template <class Core>
struct controller_state {
  std::unique_ptr<Core> core;
  std::unique_ptr<loop> shell;
};

/// Binds a core to a spec.
template <class Core>
loop_spec spec_for(Core& core, std::string path, std::vector<std::string> resources) {
  loop_spec spec;
  spec.path = std::move(path);
  spec.resources = std::move(resources);
  spec.reset = [&core](const store::view& v, const marker& m) { core.reset(v, m); };
  spec.observe = [&core](const store::view& v, const store::event& e, const marker& m) { core.observe(v, e, m); };
  spec.reconcile = [&core](const store::view& v, const store::object_key& k, const moment& now) {
    return core.reconcile(v, k, now);
  };
  spec.resync = [&core](const store::view& v, const marker& m) { core.resync(v, m); };
  return spec;
}

}  // namespace skerry::controllers

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::controllers::loop_messages::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::controllers::loop_messages::work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::controllers::loop_messages::reconnect)
