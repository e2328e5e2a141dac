#pragma once
#include <caf/allowed_unsafe_message_type.hpp>
#include <deque>
#include <memory>
#include <variant>

#include "actors/api/parts.hpp"
#include "actors/api/status.hpp"
#include "actors/api/watch_hub.hpp"
#include "actors/base/actor.hpp"
#include "actors/store/messages.hpp"

namespace skerry::api {

/// A write on its way: what to commit is decided on a view, and decided again if another write came between.
class write_job {
public:
  /// What to commit now, or the answer if there is nothing to commit.
  using decision = std::variant<std::vector<store::change>, reply>;

  virtual ~write_job() = default;
  virtual decision decide(const store::view& view) = 0;
  /// The answer after a commit; or more changes (a collection too large for one commit).
  virtual decision committed(const store::committed& c, const store::view& view) = 0;
  /// The answer to a commit that failed, or nothing: decide again on a newer view.
  virtual std::optional<reply> failed(const caf::error& e) = 0;

  ports::http_exchange_ptr exchange;
  int attempts_left = 8;
  int64_t deadline_ms = 0;  ///< steady; set by sessions
  bool late = false;        ///< answered by the deadline
};

/// From the front to the sessions actor.
struct perform {
  std::shared_ptr<write_job> job;
  std::vector<store::change> changes;
};
/// Carries requests of the front to the store and the pool, and their answers back to the exchanges; each with a
/// deadline. Holds nothing else: after a restart the exchanges that were under way are answered 500.
class sessions_state {
public:
  static inline const char* name = "sessions";
  explicit sessions_state(base::actor* self) : self_(self) {}
  caf::behavior make(const parts& p, std::string path);

private:
  void on_perform(const std::shared_ptr<write_job>& job, std::vector<store::change> changes);
  void follow(const std::shared_ptr<write_job>& job, write_job::decision d);
  void on_watch(const open_watch& m, int attempts_left);
  void await(const std::shared_ptr<write_job>& job);
  void on_tick();

  base::actor* self_;
  const parts* parts_ = nullptr;
  std::deque<std::pair<int64_t, std::weak_ptr<write_job>>> waiting_;  ///< deadlines, in order
};
/// A pointer, for spawn copies its arguments; `p` outlives the actor.
caf::behavior sessions(base::stateful<sessions_state>* self, const parts* p, std::string path);

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::perform)
