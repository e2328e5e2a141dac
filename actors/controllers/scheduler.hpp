#pragma once
#include <caf/event_based_actor.hpp>
#include <set>
#include <unordered_map>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/fit.hpp"
#include "actors/controllers/loop.hpp"

namespace skerry::controllers {

/// The spec.schedulerName of the pods that this one places.
inline constexpr std::string_view scheduler_name = "default-scheduler";

/// What the scheduler knows of nodes and of who takes what of them, kept up to date by events: a pass over it parses
/// nothing but the pods that wait.
class scheduling_state {
public:
  /// Where a pod stands among those that wait: by priority, then first come, first served.
  struct place {
    int64_t priority = 0, created_ms = 0;
    store::object_key key;
    bool operator<(const place& x) const {
      return priority != x.priority ? priority > x.priority : std::tie(created_ms, key) < std::tie(x.created_ms, x.key);
    }
  };

  void reset(const store::view& v);
  /// Takes one event of pods or nodes; true if a pass may now achieve something.
  bool observe(const store::event& e);
  /// The next `max` pods to try, in order. They are parked: not tried again until something happens that could help, or
  /// `try_again`.
  std::vector<store::object_key> take(size_t max);
  void try_again(const store::object_key& pod);
  void unpark_all();
  bool has_work() const { return !queue_.empty(); }

  std::map<std::string, node_state, std::less<>>& nodes() { return nodes_; }
  /// Nodes that exist, in order of their names.
  const std::vector<node_state*>& present() const { return present_; }

private:
  bool put_node(const store::object& node);
  bool drop_node(const store::object& node);
  bool put_pod(const store::object& pod);
  bool forget_pod(const store::object& pod);
  void wait(const store::object& pod);
  void stop_waiting(const store::object_key& pod);
  void list_present();

  struct binding {
    std::string node;
    pod_request request;
  };
  std::map<std::string, node_state, std::less<>> nodes_;
  std::vector<node_state*> present_;
  std::unordered_map<std::string, binding> bound_;  ///< by pod uid
  std::map<store::object_key, place> waiting_;
  std::set<place> queue_;  ///< of those that wait the ones that are not parked
};

/// Chooses a node for each pod that has none (kubernetes/pkg/scheduler): filters by cordon, taints, selector and
/// required affinity, host ports and resources; prefers free nodes, nodes without pods of the same owner, without
/// PreferNoSchedule taints, and preferred affinity. One pass places many pods on one state that each placement changes,
/// so nothing is given away twice. The binding is an update of the pod. A pod that fits nowhere gets PodScheduled
/// False, reason Unschedulable, and a FailedScheduling event, and is tried again when a node or what is taken of one
/// changes. No preemption, no inter-pod affinity, no topology spread constraints.
class scheduler_core {
public:
  static constexpr size_t pods_in_pass = 128;
  static constexpr int64_t event_repeat_ms = 5 * 60 * 1000;

  explicit scheduler_core(const kube::registry& registry) : recorder_(registry, std::string{scheduler_name}) {}

  void reset(const store::view& v, const marker& mark);
  void resync(const store::view& v, const marker& mark);
  void observe(const store::view& v, const store::event& e, const marker& mark);
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now);

  /// The one key of this controller: a pass over all pods that wait.
  static store::object_key pass() { return {"pods", "", ""}; }

private:
  node_state* choose(const pod_request& r, const moment& now);
  std::string why_not(const pod_request& r) const;
  store::commit bind(const store::view& v, const store::object& pod, json::value value, const node_state& node,
                     const moment& now) const;
  std::optional<store::commit> refuse(const store::view& v, const store::object& pod, json::value value,
                                      const std::string& why, const moment& now) const;

  recorder recorder_;
  scheduling_state state_;
  size_t next_node_ = 0;  ///< where the search for nodes goes on, so that large fleets are used evenly
};

using scheduler_state = controller_state<scheduler_core>;
/// The controller at /cloud/controllers/scheduler.
caf::behavior scheduler(base::stateful<scheduler_state>* self, controller_args args);

}  // namespace skerry::controllers
