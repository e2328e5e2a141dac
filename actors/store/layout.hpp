#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::store {

/// Where the store keeps what in the kv, all under "store/":
///
///   store/format            version of this layout, "1"
///   store/cluster           UID of the cluster, made at the first start
///   store/compacted         revision, decimal: a watch can start from it and later
///   store/r/<revision>      8 bytes big-endian; the StoredObject that this revision made, or removed (`removed`)
///
/// There is no second copy under the object's name: an object's present state is its newest record. Compaction to
/// revision c takes away the records that those up to c replaced (`previous`), and those of removals up to c. So every
/// revision after `compacted` has a record, a gap there is damage, and what was before a change is still there to be
/// read.
namespace layout {

inline constexpr std::string_view format_version = "1";
inline constexpr std::string_view format_key = "store/format";
inline constexpr std::string_view cluster_key = "store/cluster";
inline constexpr std::string_view compacted_key = "store/compacted";
inline constexpr std::string_view records_first = "store/r/";
inline constexpr std::string_view records_last = "store/r0";  ///< the first key after all records

std::string record_key(uint64_t revision);
/// The revision of a record's key; none if it is not one.
std::optional<uint64_t> revision_of_key(std::string_view key);

}  // namespace layout
}  // namespace skerry::store
