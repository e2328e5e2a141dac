#pragma once
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
/// The canonical JSON, with metadata.resourceVersion.
inline std::string_view json_of(const object& o) {
  auto d = (*o).getJson();
  return {reinterpret_cast<const char*>(d.begin()), d.size()};
}
/// The JSON parsed anew: for those who change it.
json::value parse(const object& o);

/// Names an object: `resource` is "pods" or "deployments.apps" (plural, dot, group), `ns` is empty for cluster scope.
struct object_key {
  std::string resource, ns, name;
  bool operator==(const object_key&) const = default;
  auto operator<=>(const object_key&) const = default;
};
object_key key_of(const object& o);

/// An object on its way into the store: all but its revision, which the commit gives it.
/// `make_draft` fills the indexes from the JSON (labels, owners, node, phase, deletion, fields).
struct draft {
  object_key key;
  json::value value;
};

/// Freezes a draft at a revision: sets metadata.resourceVersion, serialises, extracts. Pure.
object freeze(const draft& d, uint64_t revision);

}  // namespace skerry::store
