#pragma once
#include <caf/error.hpp>
#include <string>
#include <string_view>
#include <vector>

/// Paths: the address of an actor, the same from everywhere. "/cloud/controllers/deployment", "/node/n17/pod/<uid>".
/// The first segments name the island (the process) that the actor lives on.
namespace skerry::paths {

inline constexpr size_t path_bytes_max = 512;
inline constexpr size_t segment_bytes_max = 253;  ///< as a DNS subdomain, which node names are
inline constexpr size_t segments_max = 16;

inline constexpr std::string_view cloud = "/cloud";

/// What kind of island a path begins with.
enum class island_kind : uint8_t {
  none,        ///< not a path of this system
  cloud,       ///< "/cloud"
  node,        ///< "/node/<name>"
  repl,        ///< "/repl/<id>"
  controller,  ///< "/controller/<name>"
};

/// errc::invalid with the rule that it breaks: begins with "/", 1 to 16 segments of 1 to 253 characters of
/// [A-Za-z0-9._#@-], at most 512 bytes, none of them "." or "..", begins with an island.
caf::error check(std::string_view path);
/// Returns the island that a path begins with: "/cloud", or "/node/n17" of "/node/n17/pod/x"; empty if there is none.
std::string_view island_of(std::string_view path);
/// Returns the kind of the island that a path begins with.
island_kind kind_of(std::string_view path);
/// Returns the name in "/node/<name>", "/repl/<name>" or "/controller/<name>"; empty for the cloud.
std::string_view name_of_island(std::string_view path);
/// Returns whether `path` is `root` or stands below it: "/cloud/api" is below "/cloud", "/cloudy" is not.
bool is_below(std::string_view path, std::string_view root);
/// Returns the path one segment up; empty for one segment.
std::string_view parent_of(std::string_view path);
/// Returns the segments: {"node", "n17", "pod"} of "/node/n17/pod".
std::vector<std::string_view> segments_of(std::string_view path);
/// "/node/<name>"
std::string node(std::string_view name);

}  // namespace skerry::paths
