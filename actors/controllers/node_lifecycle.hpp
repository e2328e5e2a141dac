#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/loop.hpp"
#include "actors/link/messages.hpp"
#include "schema/limits.hpp"

namespace skerry::controllers {

/// Says of each node whether it is there. The lease of a node is in memory: when it was last heard (link::nodes_seen).
/// One not heard for `lease_ms` gets its conditions Unknown and the taint unreachable:NoSchedule, so that nothing new
/// is placed on it; **its pods are left as they are**: not evicted, not deleted, and their status not guessed at. What
/// they do behind a cut is not known until the link is back, and then the node itself says it (DESIGN section 1: a
/// partition is not a failure of the actors behind it). After the cloud's start every node has one lease to be heard
/// in.
///
/// The Lease object that clients see is written when a node comes, comes back, and each `renew_ms`: a quiet fleet
/// costs next to nothing. Pods bound to a node that has been gone for `quarantine_ms` are removed (k8s podgc), for no
/// node will ever end them.
class node_lifecycle_core {
public:
  static constexpr int64_t renew_ms = 10 * 60 * 1000;
  static constexpr int64_t quarantine_ms = 40'000;
  static constexpr size_t removals_max = 200;

  node_lifecycle_core(const kube::registry& registry, const ports::clock& clock, int64_t lease_ms = limits::lease_ms)
      : registry_(registry), recorder_(registry, "node-controller"), clock_(clock), lease_ms_(lease_ms) {}

  void reset(const store::view& v, const marker& mark);
  void resync(const store::view& v, const marker& mark);
  void observe(const store::view& v, const store::event& e, const marker& mark);
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now);

  /// These nodes were heard just now.
  void heard(const std::vector<std::string>& nodes, const marker& mark);
  /// Marks those whose lease has run out since the last call.
  void check(const marker& mark);

private:
  struct record {
    int64_t heard_ms = 0;  ///< steady
    bool ever = false;     ///< heard since the start of this actor
    bool lost = false;     ///< its lease ran out and that was noticed
    bool present = false;  ///< the Node object exists
    int64_t absent_since_ms = 0;
    int64_t lease_written_ms = 0;  ///< steady; 0: not by this actor
    json::array conditions;        ///< as they were before it was lost
  };
  record& of(std::string_view node);
  effects reconcile_absent(const store::view& v, const std::string& node);
  void write_lease(const store::view& v, const json::value& node, record& r, const moment& now, effects& out);

  const kube::registry& registry_;
  recorder recorder_;
  const ports::clock& clock_;
  int64_t lease_ms_;
  std::map<std::string, record, std::less<>> nodes_;
};

/// To itself: look at the leases.
struct lease_tick {};

using node_lifecycle_state = controller_state<node_lifecycle_core>;
/// The controller at /cloud/controllers/node-lifecycle. Takes link::nodes_seen from the hub.
caf::behavior node_lifecycle_controller(base::stateful<node_lifecycle_state>* self, controller_args args,
                                        uint32_t lease_ms = limits::lease_ms);

}  // namespace skerry::controllers

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::controllers::lease_tick)
