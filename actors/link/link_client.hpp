#pragma once
#include <caf/response_promise.hpp>
#include <deque>
#include <functional>
#include <optional>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/link/backoff.hpp"
#include "actors/link/liveness.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/messages.hpp"
#include "actors/link/outbox.hpp"
#include "actors/link/renewal.hpp"
#include "actors/link/wire.hpp"
#include "actors/ports/pki.hpp"

namespace skerry::link {

struct link_client_args {
  const context& ctx;
  std::string path;  ///< "/node/<name>/link"
  std::string node, version;
  std::string address;                    ///< "https://host:port" of the cloud
  ports::client_credentials credentials;  ///< with certificate and key
  ports::transport& transport;
  ports::kv& kv;                      ///< of the edge; keys "link/…" are the link's
  std::function<caf::actor()> agent;  ///< who it is now; may be null for a while
  ports::pki* pki = nullptr;          ///< null: certificates are not renewed
  /// Called on the actor's thread with a renewed certificate and key, to be saved.
  renewal::saver on_renewed;
  int64_t renew_before_ms = renew_before_ms_default;
  timing times{};
  caf::actor parent;      ///< gets base::ready once the journal is open; may be null
  mesh* links = nullptr;  ///< letters between the node's actors and the cloud's; null: none cross
};

/// What the link says to itself.
struct link_connected {
  uint64_t generation = 0;
  caf::expected<ports::connection_ptr> connection;
};
struct link_tick {
  uint64_t generation = 0;
};
struct link_retry {
  uint64_t generation = 0;
};
struct link_apply {
  uint64_t generation = 0;
};
struct link_flush {};

/// Internal state of the edge's end of the link; public only because CAF constructs it.
class link_client_state {
public:
  static inline const char* name = "link_client";
  explicit link_client_state(base::actor* self) : self_(self) {}
  caf::behavior make(link_client_args args);

private:
  enum class phase : uint8_t { waiting, connecting, greeting, up };

  // connection (link_client.cpp)
  void connect();
  void on_connected(const link_connected& m);
  void hello(const inventory& held);
  void on_frames(const wire_frames& m);
  void on_end(const wire_end& m);
  void on_frame(const frame& f);
  void on_welcome(schema::Welcome::Reader w);
  void on_goodbye(schema::Goodbye::Reader g);
  void on_tick();
  void arm_tick();
  void fail(caf::error why, uint32_t retry_after_ms = 0);
  void breach(errc code, const std::string& what);
  void tell_agent();
  link_stats stats() const;

  // what crosses (link_client_flow.cpp)
  template <class R>
  caf::result<void> report(const R& r);
  void on_flush();
  void send_facts();
  void on_facts_ack(uint64_t sequence);
  void on_desired(const frame& f);
  void apply_next();
  void on_applied(const desired_changes& changes, const std::vector<uint64_t>& digests);
  void apply_later(const caf::error& why);
  void renew_if_due();
  void on_joined(schema::Joined::Reader j);
  void remember(const desired_changes& changes, const std::vector<uint64_t>& digests);
  uint64_t digest_of(const held_object& held) const;
  caf::error check_cluster(const std::string& uid);
  caf::behavior behavior();

  int64_t now() const { return args_->ctx.clock.steady_ms(); }
  void log(ports::severity s, const std::string& text) { args_->ctx.log.write(s, args_->path, text); }

  base::actor* self_;
  std::unique_ptr<link_client_args> args_;
  std::unique_ptr<outbox> outbox_;
  backoff backoff_;
  phase phase_ = phase::waiting;
  uint64_t generation_ = 0;  ///< of the connection and its timers
  uint64_t boot_ = 0;
  wire wire_;
  std::optional<liveness> live_;
  int64_t greeted_ms_ = 0;
  caf::actor_id told_agent_ = 0;
  bool told_connected_ = false;

  std::vector<caf::response_promise> reporters_;
  bool flush_sent_ = false;
  uint64_t sent_ = 0;               ///< sequence of the last fact sent in this session
  std::deque<uint64_t> in_flight_;  ///< last sequence of each frame of facts not acknowledged
  std::deque<frame> desired_;       ///< not applied yet
  bool applying_ = false;
  uint64_t applied_ = 0;  ///< frames of this session
  std::unique_ptr<renewal> renewal_;
  link_stats counted_;  ///< totals of ended connections, and what stats() starts from
};

/// The edge's end of the link: keeps one session with the cloud, journals facts before it answers those who report
/// them, sends them in windows and again after a cut what was not acknowledged, hands desired changes to the agent one
/// after the other. Takes the messages of actors/link/messages.hpp that are marked "to link". A cut at any point loses
/// nothing. It reads and writes the store: spawn it with a thread of its own (caf::detached).
caf::behavior link_client(base::stateful<link_client_state>* self, link_client_args args);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_connected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_retry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_apply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_flush)
