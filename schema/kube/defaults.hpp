#pragma once
#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// Fills what the user left out as kube-apiserver does (k8s.io/kubernetes/pkg/apis/*/v1/defaults.go), for the kinds
/// that are served with behaviour; others are left alone. Wants a value that decoded. Idempotent. Call on create and on
/// update, before validation.
void apply_defaults(const resource_info& info, json::value& value);

/// The defaults of a pod's spec, as in a template (a pod made from one gets the rest by apply_defaults).
void default_pod_spec(json::value& spec);

}  // namespace skerry::kube
