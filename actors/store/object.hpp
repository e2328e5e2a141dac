#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "schema/json.hpp"
#include "schema/letter.hpp"
#include "schema/object.capnp.h"

namespace skerry::store {

/// A stored object: immutable, one counted pointer, read in place.
using object = letter<schema::StoredObject>;

inline std::string_view view_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
inline std::string_view resource_of(const object& o) { return view_of((*o).getResource()); }
inline std::string_view namespace_of(const object& o) { return view_of((*o).getNamespace()); }
inline std::string_view name_of(const object& o) { return view_of((*o).getName()); }
inline std::string_view uid_of(const object& o) { return view_of((*o).getUid()); }
inline std::string_view node_of(const object& o) { return view_of((*o).getNode()); }
inline std::string_view phase_of(const object& o) { return view_of((*o).getPhase()); }
inline uint64_t revision_of(const object& o) { return (*o).getRevision(); }
/// True once metadata.deletionTimestamp is set: on its way out, held by finalizers or a grace period.
inline bool is_deleting(const object& o) { return (*o).getDeletionMs() != 0; }
/// The canonical JSON, with metadata.resourceVersion.
inline std::string_view json_of(const object& o) {
  auto d = (*o).getJson();
  return {reinterpret_cast<const char*>(d.begin()), d.size()};
}
/// The value of a label; none if it is not there.
std::optional<std::string_view> label_of(const object& o, std::string_view key);
/// What a field selector asks for, by its path: metadata.name, metadata.namespace, and those that `selectable_fields`
/// names for the resource. A field that is not set reads as empty, as in Kubernetes; none if the resource has no such
/// field.
std::optional<std::string_view> field_of(const object& o, std::string_view path);
/// The paths that a field selector may name for a resource, beside metadata.name and metadata.namespace
/// (those of kube-apiserver: each registry's ToSelectableFields).
std::span<const std::string_view> selectable_fields(std::string_view resource);
/// The JSON parsed anew: for those who change it.
json::value parse(const object& o);

/// The resource ids of devices, which have a node as pods do.
inline constexpr std::string_view devices_resource = "devices.devices.kubeedge.io";
inline constexpr std::string_view device_models_resource = "devicemodels.devices.kubeedge.io";
inline constexpr std::string_view device_statuses_resource = "devicestatuses.devices.kubeedge.io";

/// Names an object: `resource` is "pods" or "deployments.apps" (plural, dot, group), `ns` is empty for cluster scope.
struct object_key {
  std::string resource, ns, name;
  bool operator==(const object_key&) const = default;
  auto operator<=>(const object_key&) const = default;
};
object_key key_of(const object& o);
/// "pods default/web-0", as errors and logs name it.
std::string to_string(const object_key& key);

/// An object on its way into the store: all but its revision, which the commit gives it. The indexes (labels, owners,
/// node, phase, deletion, fields) are taken from the JSON when it is frozen. `value` must be a JSON object with
/// `metadata`.
struct draft {
  object_key key;
  json::value value;
};

/// Where a frozen object stands in the history.
struct stamp {
  uint64_t revision = 0;
  uint64_t previous = 0;     ///< the revision it replaces, 0 for a new object
  int64_t committed_ms = 0;  ///< Unix milliseconds
};

/// Freezes a draft: makes the canonical JSON once (apiVersion, kind, metadata with resourceVersion first, then the
/// other members in the order given) and extracts what the system selects by. Pure.
object freeze(const draft& d, const stamp& at);
inline object freeze(const draft& d, uint64_t revision) { return freeze(d, stamp{revision, 0, 0}); }

/// The record of an object's removal: its last state, with the revision of the removal also in its JSON. Pure.
object freeze_removal(const object& last, const stamp& at);

}  // namespace skerry::store
