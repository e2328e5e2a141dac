#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace skerry::ports {

struct file_content {
  std::string bytes;
  uint32_t mode = 0644;
  std::optional<uint32_t> group;  ///< owner's group; none: as it is made
};

/// The agent's directories: pod volumes. Paths are absolute, below the agent's data directory except for host_path.
/// Blocking, short. Callable from any thread.
class files {
public:
  virtual ~files() = default;
  /// Makes a directory and its parents and gives it `mode`. `memory` mounts a tmpfs on it, of `memory_bytes` (0: half
  /// the memory of the machine), unless one is there. `group` owns it then; a set-group-ID bit in `mode` hands it on to
  /// what is made in it (fsGroup).
  virtual caf::expected<void> make_directory(const std::string& path, uint32_t mode, bool memory, uint64_t memory_bytes,
                                             std::optional<uint32_t> group) = 0;
  /// Puts exactly these files (relative path -> content) into a directory, atomically for a reader: content in a fresh
  /// "..<stamp>" directory, the "..data" link renamed over, user-visible names as links through "..data" (kubelet's
  /// AtomicWriter). Returns false if all was there already.
  virtual caf::expected<bool> publish(const std::string& directory,
                                      const std::map<std::string, file_content>& content) = 0;
  /// Unmounts what is mounted below and removes the tree. No error if it is not there.
  virtual caf::expected<void> remove_tree(const std::string& path) = 0;
  /// Names in a directory; empty if it is not there.
  virtual std::vector<std::string> list(const std::string& directory) = 0;
  /// hostPath volumes: checks or makes what `type` asks (core/v1 HostPathType: "", DirectoryOrCreate, Directory,
  /// FileOrCreate, File, Socket, ...).
  virtual caf::expected<void> host_path(const std::string& path, const std::string& type) = 0;
};

}  // namespace skerry::ports
