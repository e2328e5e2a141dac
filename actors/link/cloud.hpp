#pragma once
#include <caf/actor.hpp>
#include <functional>

#include "actors/base/context.hpp"
#include "actors/link/framing.hpp"
#include "actors/link/liveness.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/messages.hpp"
#include "actors/ports/pki.hpp"
#include "actors/ports/transport.hpp"
#include "actors/store/view.hpp"

/// What the parts of the cloud's end of the link share, and say to each other: hub, sessions, node_sync.
namespace skerry::link {

/// What the link of a cloud is made with. Built by main, outlives its actors. A finder gives who it is now, or null.
struct cloud_parts {
  const context& ctx;
  const store::reader& store;
  ports::pki& pki;
  ports::key_pair authority;  ///< signs node certificates
  std::string cluster;        ///< uid of the cluster (that of namespace kube-system)
  int certificate_days = 365;
  std::function<caf::actor()> sessions;       ///< a pool: supervisors/pool
  std::function<caf::actor()> status_writer;  ///< actors/controllers/status_writer
  std::function<caf::actor()> node_sync;      ///< actors/controllers/node_sync
  std::function<caf::actor()> life_cycle;     ///< gets nodes_seen
  size_t sessions_per_second_max = limits::sessions_per_second_max;
  timing times{};
  mesh* links = nullptr;  ///< letters between the cloud's actors and others; null: none cross
};

/// A connection that came in. From the acceptor to the hub.
struct connection_opened {
  ports::connection_ptr connection;
};

/// Session to hub: `hello` was said and is right: the node's older session, if any, is to end. Answered with unit.
struct session_up {
  std::string node;
  uint64_t id = 0;
  std::string version;
};
/// Session to hub: something was heard from the node; at most every few seconds.
struct session_heard {
  uint64_t id = 0;
};
/// Hub to session: a newer session of the same node stands.
struct superseded {};

/// Asks the hub for its sessions (metrics, REPL); answered with `sessions_info`.
struct get_sessions {};
struct session_info {
  std::string node, address, version;
  int64_t since_ms = 0, heard_ms = 0;  ///< steady
};
struct sessions_info {
  std::vector<session_info> sessions;
  uint64_t admitted = 0, deferred = 0, refused = 0, joined = 0;
};

/// Session to node_sync: tell me (`poke`) when something that concerns this node changed. Answered by a first poke.
struct follow_node {
  std::string node;
  caf::actor session;
};
/// Session to node_sync: besides its pods, these ConfigMaps and Secrets concern the node, and no others. Answered by a
/// poke, against what changed in between.
struct set_interest {
  std::string node;
  caf::actor session;
  std::vector<store::object_key> objects;
};
/// node_sync to session: look at the newest view.
struct poke {};

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::connection_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::session_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::session_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::superseded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::get_sessions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::sessions_info)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::follow_node)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::set_interest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::poke)
