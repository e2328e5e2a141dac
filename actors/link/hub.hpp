#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "actors/base/actor.hpp"
#include "actors/link/admission.hpp"
#include "actors/link/cloud.hpp"
#include "actors/link/wire.hpp"

namespace skerry::link {

/// Where the server's driver hands connections over. Made by main before the hub, outlives it: the hub attaches itself
/// at each start; while none is there, nodes are told to come back in a second.
class acceptor final : public ports::link_acceptor {
public:
  void on_link(ports::connection_ptr connection) override;
  void attach(const caf::actor& hub);

private:
  std::mutex mutex_;
  caf::weak_actor_ptr hub_;
};

struct hub_args {
  const cloud_parts& parts;
  std::string path;  ///< "/cloud/link/hub"
  acceptor& front;
  caf::actor parent;  ///< gets base::ready; may be null
};

struct hub_tick {};

/// Internal state of the hub; public only because CAF constructs it.
class hub_state {
public:
  static inline const char* name = "link_hub";
  explicit hub_state(base::actor* self) : self_(self) {}
  caf::behavior make(hub_args args);

private:
  struct entry {
    std::string node;  ///< empty: a join
    std::string version, address;
    caf::actor_id actor = 0;
    caf::actor_addr who;
    bool up = false;
    int64_t since_ms = 0, heard_ms = 0;
  };
  void on_connection(const connection_opened& m);
  void refuse(ports::connection& c, errc code, const std::string& why, uint32_t retry_after_ms);
  void start(ports::connection_ptr c, const std::string& node, bool island);
  void on_up(const session_up& m);
  void forget(uint64_t id);
  void on_tick();
  void forget_deleted();
  sessions_info info() const;

  const context& ctx() const { return args_->parts.ctx; }
  int64_t now() const { return ctx().clock.steady_ms(); }

  base::actor* self_;
  std::unique_ptr<hub_args> args_;
  std::optional<admission> admission_;
  std::map<uint64_t, entry> sessions_;
  std::map<std::string, uint64_t, std::less<>> up_;  ///< node -> its session
  std::map<caf::actor_id, uint64_t> by_actor_;
  std::set<std::string> seen_;
  size_t handshakes_ = 0;  ///< sessions and joins that are not up
  uint64_t next_id_ = 1;
  int64_t started_ms_ = 0;
  sessions_info counted_;
};

/// The cloud's door for nodes: takes connections from the acceptor, checks who is there (a node's certificate, or none
/// for a join), lets sessions in at a bounded rate, starts them as children of the pool, keeps one session for each
/// node (the newest), and tells the life-cycle controller every 5 s from whom something was heard. Takes get_sessions.
caf::behavior hub(base::stateful<hub_state>* self, hub_args args);

/// Join session to hub: has this node a session? Answered with bool.
struct is_connected {
  std::string node;
};

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::hub_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::is_connected)
