#pragma once
#include "actors/pod/pod_spec.hpp"

namespace skerry::pod {

/// Reads core/v1 Container; `spec` is the PodSpec around it, whose security context it inherits.
container_def parse_container(const json::value& container, const json::value& spec, bool init);

/// Reads core/v1 Volume.
volume_def parse_volume(const json::value& volume);

/// The strings of an array; others are left out.
std::vector<std::string> strings(const json::array& a);
/// The string members of an object.
std::map<std::string, std::string> string_map(const json::object& o);

/// Decodes standard base64 (RFC 4648 section 4); nothing if it is malformed.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace skerry::pod
