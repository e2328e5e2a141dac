#pragma once
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>
#include <variant>

#include "actors/api/open_writes.hpp"
#include "actors/api/parts.hpp"
#include "actors/api/status.hpp"
#include "actors/api/watch_hub.hpp"
#include "actors/base/actor.hpp"
#include "actors/store/messages.hpp"

namespace skerry::api {

/// A write on its way: what to commit is decided on a view, and decided again if another write came between. The store
/// has it as the commit's ticket. One that is let go while its commit is under way (the store, or sessions, died) tells
/// its client that nobody knows how it ended.
class write_job : public store::ticket {
public:
  /// What to commit now, or the answer if there is nothing to commit.
  using decision = std::variant<std::vector<store::change>, reply>;

  ~write_job() override;
  virtual decision decide(const store::view& view) = 0;
  /// The answer after a commit; or more changes (a collection too large for one commit).
  virtual decision committed(const store::committed& c, const store::view& view) = 0;
  /// The answer to a commit that failed, or nothing: decide again on a newer view.
  virtual std::optional<reply> failed(const caf::error& e) = 0;

  ports::http_exchange_ptr exchange;
  int attempts_left = 8;
  bool under_way = false;  ///< a commit was sent and its end is not known
  bool late = false;       ///< answered by the deadline
};
/// From the front to sessions: a write is under way, where none was.
struct watch_deadlines {};

/// Sends what a job wants committed straight to the store, which answers to `sessions`: no hop and no request for each.
void send_commit(const caf::actor& store, const caf::actor& sessions, write_job_ptr job,
                 std::vector<store::change> changes);

/// Takes the answers of the store back to the exchanges, each within its deadline, and requests for watches to their
/// hubs. Holds nothing: after a restart the clients whose writes were under way are told that nobody knows.
class sessions_state {
public:
  static inline const char* name = "sessions";
  explicit sessions_state(base::actor* self) : self_(self) {}
  caf::behavior make(const parts& p, std::string path);

private:
  void on_settled(store::settlement& s);
  void follow(const write_job_ptr& job, write_job::decision d);
  void on_watch(const open_watch& m, int attempts_left);
  void tick_later();
  void on_tick();

  base::actor* self_;
  const parts* parts_ = nullptr;
  bool ticking_ = false;
};
/// A pointer, for spawn copies its arguments; `p` outlives the actor.
caf::behavior sessions(base::stateful<sessions_state>* self, const parts* p, std::string path);

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::watch_deadlines)
