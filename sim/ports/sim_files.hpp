#pragma once
#include <map>
#include <mutex>
#include <optional>

#include "actors/ports/files.hpp"

namespace skerry::sim {

/// Pod volumes in memory.
class sim_files : public ports::files {
public:
  struct directory {
    bool memory = false;
    std::map<std::string, ports::file_content> content;
    int published = 0;  ///< how often its content changed
  };

  caf::expected<void> make_directory(const std::string& path, uint32_t mode, bool memory, uint64_t memory_bytes,
                                     std::optional<uint32_t> group) override;
  caf::expected<bool> publish(const std::string& directory,
                              const std::map<std::string, ports::file_content>& content) override;
  caf::expected<void> remove_tree(const std::string& path) override;
  std::vector<std::string> list(const std::string& directory) override;
  caf::expected<void> host_path(const std::string& path, const std::string& type) override;

  /// What is at a path, if it was made.
  std::optional<directory> at(const std::string& path) const;
  /// Answers every call with this error until called with none.
  void fail(caf::error why);

private:
  mutable std::mutex mutex_;
  std::map<std::string, directory> directories_;
  caf::error failure_;
};

}  // namespace skerry::sim
