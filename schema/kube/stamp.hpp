#pragma once
#include <string>
#include <string_view>

#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// Makes a decoded and defaulted value a new object: apiVersion and kind, metadata.namespace (`ns`, empty for cluster
/// scope), metadata.name (from generateName and `suffix`, 5 characters of random_suffix, where no name is given), uid,
/// creationTimestamp, generation 1 where the kind has one. Removes what a client may not set: resourceVersion, deletion
/// stamps, selfLink; and status where the kind has a status subresource (a pod begins with phase Pending and its
/// qosClass; a namespace Active).
void stamp_new(const resource_info& info, json::value& value, std::string_view ns, int64_t now_ms, std::string_view uid,
               std::string_view suffix);

/// Makes `after` what may follow `before`: keeps name, namespace, uid, creationTimestamp, generateName and deletion
/// stamps; status stays on an update of the object and all but status (and, of the metadata, resourceVersion) on one of
/// subresource "status". Generation grows by one if spec changed.
void prepare_update(const resource_info& info, const json::value& before, json::value& after,
                    std::string_view subresource = {});

/// True if both are the same but for metadata.resourceVersion, generation and managedFields: an update that need not be
/// written.
bool same_content(const json::value& a, const json::value& b);

/// The pod-template-hash of a pod template: 32 bits of FNV-1a over its content (keys sorted), `collisions` mixed
/// in if not 0, in the safe alphabet of Kubernetes (rand.SafeEncodeString); at most 10 characters. Stable across
/// islands and versions of the binary.
std::string template_hash(const json::value& pod_template, int64_t collisions = 0);

/// Five characters of Kubernetes' name alphabet (bcdfghjklmnpqrstvwxz2456789) drawn from 64 random bits.
std::string random_suffix(uint64_t random_bits);

/// The quality of service class of a pod: "Guaranteed", "Burstable", "BestEffort".
std::string_view qos_class(const json::value& pod_spec);

}  // namespace skerry::kube
