#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace skerry::drivers::oci {

/// Who a container's process is.
struct identity {
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;  ///< supplementary, from the image's /etc/group
};

/// Finds out by the specification's numbers, or the image's USER ("name", "uid", "name:group", ...) with the passwd and
/// group files below `root`. `non_root` refuses user 0, and an image's user that is a name (as kubelet does). Errors:
/// errc::invalid.
caf::expected<identity> find_identity(const std::string& root, const std::string& image_user,
                                      std::optional<int64_t> user, std::optional<int64_t> group, bool non_root);

}  // namespace skerry::drivers::oci
