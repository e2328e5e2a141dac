#pragma once
#include <string>
#include <vector>

#include "actors/controllers/args.hpp"
#include "actors/link/fact.hpp"

namespace skerry::controllers {

/// What a fact from a node does to the store.
struct merged_fact {
  std::vector<store::change> changes;  ///< none: it is so already
  std::string dropped;                 ///< why the fact is not accepted; empty if it is
};

/// Folds a fact that `node` states into the view. Pure but for the stamps of new objects.
///
/// A node speaks for itself alone: about its own Node object, pods that are bound to it (same uid), devices placed on
/// it (same uid), and events about those. Facts about anything else are dropped.
/// - Pod status replaces status; conditions of types that the node does not state (PodScheduled) stay, as kubelet's
///   merge does (pkg/kubelet/status: mergePodStatus).
/// - Pod gone removes a pod that has a deletionTimestamp; with finalizers it sets deletionGracePeriodSeconds to 0, and
///   whoever removes the last finalizer removes it.
/// - Node status makes the Node object if it is missing (labels kubernetes.io/hostname, os, arch), else replaces
/// status;
///   conditions keep their lastTransitionTime while their status stays. A status in which the heartbeat alone moved is
///   written every five minutes. Labels under node-restriction.kubernetes.io are not a node's to set (NodeRestriction).
/// - Device status: device_merge.hpp.
/// - Events are made, or brought up to date under their name.
merged_fact merge_fact(const store::view& v, const kube::registry& registry, const std::string& node,
                       const link::fact_data& fact, const moment& now);

}  // namespace skerry::controllers
