#pragma once
#include "actors/pod/environment.hpp"
#include "actors/ports/files.hpp"

namespace skerry::pod {

/// One thing that the files port does for a pod's volumes.
struct volume_step {
  enum class kind : uint8_t { directory, publish, host_path };
  kind what = kind::directory;
  std::string path;
  uint32_t mode = 0755;
  bool memory = false;
  uint64_t size_bytes = 0;
  std::optional<uint32_t> group;
  std::map<std::string, ports::file_content> content;  ///< publish
  std::string type;                                    ///< host_path
};

/// The steps that make, or bring up to date, the volumes of a pod, in order. Idempotent.
/// Errors as kubelet says them: "MountVolume.SetUp failed for volume \"x\" : configmap \"y\" not found".
caf::expected<std::vector<volume_step>> plan_volumes(const resolve_context& in);

/// Carries out the steps; stops at the first error.
caf::expected<void> make_volumes(ports::files& files, const std::vector<volume_step>& steps);

/// Where a pod's own directory is.
std::string pod_directory(const host_facts& host, std::string_view uid);
/// Where a volume is on the host.
std::string volume_path(const host_facts& host, const pod_spec& pod, const volume_def& volume);

}  // namespace skerry::pod
