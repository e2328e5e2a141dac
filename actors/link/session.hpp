#pragma once
#include <optional>

#include "actors/base/actor.hpp"
#include "actors/link/cloud.hpp"
#include "actors/link/desired.hpp"
#include "actors/link/liveness.hpp"
#include "actors/link/wire.hpp"

namespace skerry::link {

struct session_args {
  const cloud_parts& parts;
  std::string path;  ///< "/cloud/link/sessions/<node>#<id>"
  uint64_t id = 0;
  std::string node;  ///< as its certificate proves
  ports::connection_ptr connection;
  caf::actor hub;
};

struct session_tick {};

/// Internal state of a session; public only because CAF constructs it.
class session_state {
public:
  static inline const char* name = "link_session";
  explicit session_state(base::actor* self) : self_(self) {}
  caf::behavior make(session_args args);

private:
  enum class phase : uint8_t { waiting_for_hello, greeting, up, over };

  void on_frames(const wire_frames& m);
  void on_frame(const frame& f);
  void on_hello(schema::Hello::Reader h);
  void welcome(uint64_t facts_acked);
  void on_facts(const frame& f);
  void on_renewal(schema::Join::Reader j);
  void on_desired_ack(uint64_t count);
  void refresh();
  void send_desired();
  void on_tick();
  void arm_tick();
  void end(errc code, const std::string& why, uint32_t retry_after_ms = 0);
  void heard();

  const context& ctx() const { return args_->parts.ctx; }
  const timing& times() const { return args_->parts.times; }
  int64_t now() const { return ctx().clock.steady_ms(); }

  base::actor* self_;
  std::unique_ptr<session_args> args_;
  phase phase_ = phase::waiting_for_hello;
  wire wire_;
  std::optional<liveness> live_;
  int64_t opened_ms_ = 0, told_hub_ms_ = 0;
  std::string journal_;
  size_t facts_waiting_ = 0;  ///< frames with status_writer

  held_items held_;  ///< what the edge holds, or will when it has applied what was sent
  std::unique_ptr<desired_set> set_;
  std::set<store::object_key> interest_;
  desired_change change_;  ///< not sent yet
  bool dirty_ = false;     ///< something changed since the last look at a view
  bool first_ = true;      ///< the first change is sent even if empty: it says that the inventory is complete
  uint64_t sent_ = 0, acked_ = 0;
};

/// The cloud's end of one node's session. Greets, sends what differs between the node's inventory and its desired set,
/// then changes, at most limits::desired_window frames ahead of what the node has on disk (what changes meanwhile is
/// folded: a slow node costs one flag, and delays no other); hands facts to status_writer and acknowledges what is
/// committed; ends a half-open connection. Ends with its connection, its hub or its node_sync.
caf::behavior session(base::stateful<session_state>* self, session_args args);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::session_tick)
