#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <string>
#include <vector>

#include "actors/store/object.hpp"
#include "schema/link.capnp.h"

/// What the link says to the actors of its own island, and they to it. What crosses the wire is schema/link.capnp.
namespace skerry::link {

// -- edge: agent <-> link ---------------------------------------------------------------------------------------------

struct held_object {
  store::object_key key;
  std::string uid;
  uint64_t revision = 0;
};

/// Link to agent, before each hello; answered with `inventory`: what the agent holds in its store (actors/node).
struct get_inventory {};
struct inventory {
  std::vector<held_object> objects;
  uint64_t complete = 0;  ///< cloud revision that it is known to be complete at; 0: never
};

/// Link to agent: change the desired set. Answered with `caf::unit` once it is on disk; the link sends the next one
/// after that.
struct desired_changes {
  uint64_t revision = 0;
  std::vector<store::object> put;
  std::vector<held_object> drop;
  bool last = true;
};

/// Link to agent: the session is up (after `welcome`), or gone.
struct link_state {
  bool connected = false;
};

/// Agent to link: facts for the cloud. Journaled on disk before anything else happens to them; answered with
/// `caf::unit` after that.
struct pod_ref {
  std::string ns, name, uid;
};
struct report_pod_status {  // latest by pod uid
  pod_ref pod;
  std::string json;  // core/v1 PodStatus
};
struct report_pod_gone {  // durable: replaces a waiting status of the same pod
  pod_ref pod;
};
struct report_node_status {  // latest; sent anew after each welcome
  std::string json;          // core/v1 NodeStatus, and under "metadata" the node's own labels and annotations
};
struct report_event {  // durable, at most 1000 waiting: then the oldest is dropped and counted
  std::string json;    // core/v1 Event without resourceVersion
};
struct report_device_status {  // latest by device uid
  pod_ref device;              // namespace, name and uid of the Device
  std::string json;            // devices.kubeedge.io/v1beta1 DeviceStatus.status
};

/// To the link: how is it? Answered with `link_stats`.
struct get_link_stats {};
struct link_stats {
  bool connected = false;
  std::string address;     ///< of the cloud
  std::string last_error;  ///< why there is no session, or why the last one ended
  uint64_t sessions = 0;   ///< welcomed since the start; reconnects are one less
  uint64_t bytes_in = 0, bytes_out = 0;
  uint64_t frames_in = 0, frames_out = 0;
  uint64_t facts_waiting = 0;    ///< in the journal
  uint64_t events_dropped = 0;   ///< too many waited
  uint64_t facts_in_flight = 0;  ///< sent, not acknowledged
  int64_t oldest_fact_ms = 0;    ///< how long the oldest fact has waited in this process; 0: none waits
  int64_t heard_ms_ago = -1;     ///< since the last byte from the cloud; -1: never
  int64_t round_trip_ms = -1;    ///< of the last ping
  uint64_t revision = 0;         ///< of the desired set that was applied whole
};

// -- cloud: hub, sessions, controllers --------------------------------------------------------------------------------

/// Session to status_writer: commit these; answered with the sequence (uint64_t) up to which all is committed.
struct facts_arrived {
  std::string node;
  std::string journal;          ///< of the edge, from its hello
  letter<schema::Frame> frame;  ///< whose union is `facts`
};

/// Session to status_writer: answered with the highest sequence (uint64_t) of this journal known to be committed, or 0.
struct get_facts_acked {
  std::string node, journal;
};

/// Hub to the node life-cycle controller, every few seconds: nodes from whom something was heard since the last one.
struct nodes_seen {
  std::vector<std::string> nodes;
};

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::get_inventory)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::inventory)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::desired_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::report_pod_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::report_pod_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::report_node_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::report_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::report_device_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::get_link_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::facts_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::get_facts_acked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::nodes_seen)
