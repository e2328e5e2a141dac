#pragma once
#include <leveldb/env.h>

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace skerry::drivers {

/// The file system under LevelDB, seen from its write-ahead logs: they can be synced without waiting in LevelDB's queue
/// of writers and without holding it up (a synced write does both, for the 1 to 10 ms that a disk takes), and a log
/// that LevelDB leaves for a new one is synced first (it is not by LevelDB, so what was written unsynced could be lost
/// behind what was synced later). Callable from any thread.
class log_env : public leveldb::EnvWrapper {
public:
  /// `native`: `target` writes real files, so that a log may be synced by a descriptor of its own while it is written.
  log_env(leveldb::Env* target, bool native) : EnvWrapper(target), native_(native) {}

  /// When it returns OK, all that was written to logs before the call survives a power cut.
  leveldb::Status sync_logs();

  leveldb::Status NewWritableFile(const std::string& path, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& path, leveldb::WritableFile** result) override;

private:
  class log_file;
  class handle;
  leveldb::Status track(const std::string& path, leveldb::Status opened, leveldb::WritableFile** result);
  void forget(const std::shared_ptr<log_file>& file, const leveldb::Status& last);

  const bool native_;
  std::mutex mutex_;
  std::list<std::shared_ptr<log_file>> open_;
  leveldb::Status failed_;  ///< of a log that could not be synced when it was left
};

}  // namespace skerry::drivers
