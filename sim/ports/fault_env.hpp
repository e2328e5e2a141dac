#pragma once
#include <leveldb/env.h>

#include <map>
#include <mutex>
#include <string>

namespace skerry::sim {

/// The file system under LevelDB with the faults of a disk: full after so many bytes, and power cuts that lose what was
/// not synced.
class fault_env : public leveldb::EnvWrapper {
public:
  explicit fault_env(leveldb::Env* files) : EnvWrapper(files) {}

  /// From now on `bytes` more can be written; then ENOSPC.
  void set_space(uint64_t bytes);
  /// No limit any more.
  void free_space();
  /// From now on nothing reaches the disk any more (every write and sync fails), until `power_on`.
  void power_cut();
  /// Cuts every file back to what was synced of it. Call when nothing has the files open.
  void power_on();
  /// How many syncs were made.
  uint64_t syncs() const;

  leveldb::Status NewWritableFile(const std::string& path, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& path, leveldb::WritableFile** result) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status RemoveFile(const std::string& path) override;

private:
  friend class fault_file;
  leveldb::Status take(const std::string& path, uint64_t bytes);
  leveldb::Status open(const std::string& path, uint64_t synced, leveldb::WritableFile* file,
                       leveldb::WritableFile** result);
  void note_synced(const std::string& path, uint64_t size);

  mutable std::mutex mutex_;
  std::map<std::string, uint64_t> synced_;  // path to bytes that survive
  uint64_t space_ = UINT64_MAX;
  uint64_t syncs_ = 0;
  bool dead_ = false;
};

}  // namespace skerry::sim
