#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/loop.hpp"
#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

/// Annotations and labels that kubectl reads (k8s deployment/util).
namespace deployment_keys {
inline constexpr std::string_view revision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view revision_history = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view desired = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view maximum = "deployment.kubernetes.io/max-replicas";
inline constexpr std::string_view hash = "pod-template-hash";
}  // namespace deployment_keys

/// Keeps one ReplicaSet for each pod template of a Deployment and moves the pods from the old ones to the new
/// (kubernetes/pkg/controller/deployment): RollingUpdate and Recreate, revisions, rollback by finding the ReplicaSet of
/// a template again, pause, proportional scaling, history limit, progress deadline. Pure but for the index of orphans.
class deployment_core {
public:
  explicit deployment_core(const kube::registry& registry)
      : registry_(registry), recorder_(registry, "deployment-controller") {}

  void reset(const store::view& v, const marker& mark);
  void resync(const store::view& v, const marker& mark);
  void observe(const store::view& v, const store::event& e, const marker& mark);
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now);

private:
  const kube::registry& registry_;
  recorder recorder_;
  orphan_index orphans_;
};

using deployment_state = controller_state<deployment_core>;
/// The controller at /cloud/controllers/deployment.
caf::behavior deployment_controller(base::stateful<deployment_state>* self, controller_args args);

}  // namespace skerry::controllers
