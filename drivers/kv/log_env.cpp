#include "drivers/kv/log_env.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace skerry::drivers {

/// A log that LevelDB writes. Syncing takes turns with writing only where there is no descriptor of its own.
class log_env::log_file {
public:
  log_file(std::string path, leveldb::WritableFile* file, bool native) : path_(std::move(path)), file_(file) {
    if (native) fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  }
  ~log_file() {
    if (fd_ >= 0) ::close(fd_);
  }

  leveldb::Status append(const leveldb::Slice& data) {
    std::lock_guard lock{mutex_};
    dirty_ = true;
    return file_->Append(data);
  }
  leveldb::Status flush() {
    std::lock_guard lock{mutex_};
    return file_->Flush();
  }
  leveldb::Status sync() {
    std::lock_guard lock{mutex_};
    if (!file_) return {};
    dirty_ = false;
    return note(file_->Sync());
  }
  /// As `sync`, beside the writer.
  leveldb::Status sync_beside() {
    if (!dirty_) return {};
    if (fd_ < 0) return sync();
    dirty_ = false;
    return note(::fdatasync(fd_) == 0 ? leveldb::Status::OK() : leveldb::Status::IOError(path_, std::strerror(errno)));
  }
  /// Syncs what is not, and closes.
  leveldb::Status close() {
    std::lock_guard lock{mutex_};
    if (!file_) return {};
    auto s = dirty_ ? note(file_->Sync()) : leveldb::Status::OK();
    dirty_ = !s.ok();
    auto closed = file_->Close();
    file_.reset();
    return s.ok() ? closed : s;
  }

private:
  leveldb::Status note(leveldb::Status s) {
    if (!s.ok()) dirty_ = true;
    return s;
  }
  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<leveldb::WritableFile> file_;
  int fd_ = -1;
  std::atomic<bool> dirty_{false};
};

/// What LevelDB holds.
class log_env::handle final : public leveldb::WritableFile {
public:
  handle(log_env& env, std::shared_ptr<log_file> file) : env_(env), file_(std::move(file)) {}
  ~handle() override { env_.forget(file_, file_->close()); }
  leveldb::Status Append(const leveldb::Slice& data) override { return file_->append(data); }
  leveldb::Status Flush() override { return file_->flush(); }
  leveldb::Status Sync() override { return file_->sync(); }
  leveldb::Status Close() override { return file_->close(); }

private:
  log_env& env_;
  std::shared_ptr<log_file> file_;
};

leveldb::Status log_env::track(const std::string& path, leveldb::Status opened, leveldb::WritableFile** result) {
  if (!opened.ok() || !path.ends_with(".log")) return opened;
  auto file = std::make_shared<log_file>(path, *result, native_);
  {
    std::lock_guard lock{mutex_};
    open_.push_back(file);
  }
  *result = new handle(*this, std::move(file));
  return opened;
}

leveldb::Status log_env::NewWritableFile(const std::string& path, leveldb::WritableFile** result) {
  return track(path, target()->NewWritableFile(path, result), result);
}

leveldb::Status log_env::NewAppendableFile(const std::string& path, leveldb::WritableFile** result) {
  return track(path, target()->NewAppendableFile(path, result), result);
}

void log_env::forget(const std::shared_ptr<log_file>& file, const leveldb::Status& last) {
  std::lock_guard lock{mutex_};
  open_.remove(file);
  if (!last.ok()) failed_ = last;
}

leveldb::Status log_env::sync_logs() {
  std::vector<std::shared_ptr<log_file>> files;
  {
    std::lock_guard lock{mutex_};
    if (!failed_.ok()) return std::exchange(failed_, leveldb::Status::OK());
    files.assign(open_.begin(), open_.end());
  }
  for (auto& f : files)
    if (auto s = f->sync_beside(); !s.ok()) return s;
  std::lock_guard lock{mutex_};
  return std::exchange(failed_, leveldb::Status::OK());
}

}  // namespace skerry::drivers
