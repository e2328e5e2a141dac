#pragma once
#include "actors/ports/files.hpp"

namespace skerry::files {

/// Pod volumes on a POSIX file system. Memory volumes are tmpfs mounts: they need CAP_SYS_ADMIN.
class posix_files : public ports::files {
public:
  caf::expected<void> make_directory(const std::string& path, uint32_t mode, bool memory, uint64_t memory_bytes,
                                     std::optional<uint32_t> group) override;
  caf::expected<bool> publish(const std::string& directory,
                              const std::map<std::string, ports::file_content>& content) override;
  caf::expected<void> remove_tree(const std::string& path) override;
  std::vector<std::string> list(const std::string& directory) override;
  caf::expected<void> host_path(const std::string& path, const std::string& type) override;
};

}  // namespace skerry::files
