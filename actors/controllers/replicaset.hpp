#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/loop.hpp"
#include "actors/controllers/meta.hpp"
#include "actors/controllers/pod_tally.hpp"

namespace skerry::controllers {

/// Keeps as many pods as each ReplicaSet says (kubernetes/pkg/controller/replicaset). Pure but for what it derives from
/// events (orphan pods, counts of pods), which only saves work: whose pods are to be counted alone is not looked at pod
/// by pod, and the status of a large set is written a few times a second at most while its pods come and go.
///
/// Pods are created and deleted, and status.replicas written, in one commit with the ReplicaSet's revision as its
/// guard: a change of spec.replicas that was not seen yet is a conflict, so there are never more pods than some
/// spec.replicas allowed.
class replicaset_core {
public:
  static constexpr int64_t burst = 200;                 ///< pods created or deleted in one commit
  static constexpr int64_t commit_bytes = 1024 * 1024;  ///< ... and so large is that commit, about
  static constexpr size_t events_max = 25;              ///< events recorded in one commit
  static constexpr int64_t pods_per_status_ms = 50;     ///< a status alone waits 1 ms for so many pods that it counts
  static constexpr int64_t status_ms_max = 200;         ///< ... and so long at most

  explicit replicaset_core(const kube::registry& registry)
      : registry_(registry), recorder_(registry, "replicaset-controller") {}

  void reset(const store::view& v, const marker& mark);
  void resync(const store::view& v, const marker& mark);
  void observe(const store::view& v, const store::event& e, const marker& mark);
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now);

private:
  static json::object status_of(const json::value& rs, const pod_counts& c);
  effects write_status(const store::object& rs, json::value value, const pod_counts& c, const moment& now);
  bool wants_orphan(const store::view& v, const store::object& rs, const kube::label_selector& selector) const;
  void create_pods(const store::view& v, const json::value& rs, int64_t count, const moment& now,
                   std::vector<store::change>& changes);
  void delete_pods(const store::view& v, const json::value& rs, std::vector<store::object> pods, int64_t count,
                   const moment& now, std::vector<store::change>& changes);

  const kube::registry& registry_;
  recorder recorder_;
  orphan_index orphans_;
  pod_tally tally_;
  pod_memo memo_;
  std::unordered_map<std::string, int64_t> written_ms_;  ///< uid -> when its status was written for itself alone
};

/// A pod that may be deleted, with what its rank depends on.
struct deletion_candidate {
  store::object pod;
  pod_facts facts;
  int64_t neighbours = 0;  ///< pods of the same owner on the same node
};
/// True if `a` should go before `b` (k8s controller.ActivePodsWithRanks): unassigned, pending, not ready, cheaper, more
/// crowded, ready for a shorter time, restarted more often, younger.
bool goes_before(const deletion_candidate& a, const deletion_candidate& b);

using replicaset_state = controller_state<replicaset_core>;
/// The controller at /cloud/controllers/replicaset.
caf::behavior replicaset_controller(base::stateful<replicaset_state>* self, controller_args args);

}  // namespace skerry::controllers
