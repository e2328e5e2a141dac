#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "schema/json.hpp"

namespace skerry::kube {

/// What is to become of the objects that an object owns (meta/v1 DeleteOptions.propagationPolicy).
enum class propagation : uint8_t {
  background,  ///< the owner goes at once, its dependents after it
  foreground,  ///< the owner waits with finalizer "foregroundDeletion" for dependents that block it
  orphan,      ///< the owner waits with finalizer "orphan" until it is struck from its dependents
};

/// The part of meta/v1 DeleteOptions that decides how an object goes. Preconditions are the caller's.
struct deletion_request {
  std::optional<int64_t> grace_seconds;  ///< none: the pod's own; below 0 counts as 1; of no meaning for other kinds
  std::optional<propagation> policy;     ///< none: finalizers stay as they are, which is background
};

/// What the caller must do with the object after `begin_deletion`.
enum class deletion_step : uint8_t {
  unchanged,  ///< it is on its way already: write nothing
  update,     ///< write the changed object: someone (kubelet, a finalizer's controller) has work to do first
  remove,     ///< remove it from the store
};

/// Applies a delete to `object`, of resource id `resource` ("pods", "deployments.apps"), at `now_ms`: the one place
/// that knows how things go, for the API, the controllers and the writer of facts.
///
/// As kube-apiserver (registry/rest/delete.go, pkg/registry/core/pod/strategy.go): a pod that is bound and not ended
/// gets deletionTimestamp (now + grace) and deletionGracePeriodSeconds and waits for its node; grace 0 removes it; a
/// later request can shorten the grace and never lengthen it. A namespace gets phase Terminating until spec.finalizers
/// is empty. What has metadata.finalizers gets a deletionTimestamp and waits. Everything else is removed. An update
/// raises metadata.generation.
deletion_step begin_deletion(json::value& object, std::string_view resource, const deletion_request& request,
                             int64_t now_ms);

/// True if nothing holds the object back any more: it has a deletionTimestamp, no finalizers, and (pods) its grace is
/// 0, (namespaces) spec.finalizers is empty. After each update of an object, who writes it asks this, and removes it
/// then.
bool deletion_complete(const json::value& object, std::string_view resource);

}  // namespace skerry::kube
