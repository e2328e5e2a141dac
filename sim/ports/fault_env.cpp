#include "sim/ports/fault_env.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace skerry::sim {

class fault_file : public leveldb::WritableFile {
public:
  fault_file(fault_env& env, std::string path, uint64_t size, leveldb::WritableFile* file)
      : env_(env), path_(std::move(path)), size_(size), file_(file) {}
  leveldb::Status Append(const leveldb::Slice& data) override {
    auto s = env_.take(path_, data.size());
    if (!s.ok()) return s;
    size_ += data.size();
    return file_->Append(data);
  }
  leveldb::Status Close() override { return file_->Close(); }
  leveldb::Status Flush() override { return file_->Flush(); }
  leveldb::Status Sync() override {
    auto s = env_.take(path_, 0);
    if (s.ok()) s = file_->Flush();  // what survives is decided here: the real disk need not be waited for
    if (s.ok()) env_.note_synced(path_, size_);
    return s;
  }

private:
  fault_env& env_;
  std::string path_;
  uint64_t size_;
  std::unique_ptr<leveldb::WritableFile> file_;
};

void fault_env::set_space(uint64_t bytes) {
  std::lock_guard guard{mutex_};
  space_ = bytes;
}

void fault_env::free_space() { set_space(UINT64_MAX); }

void fault_env::power_cut() {
  std::lock_guard guard{mutex_};
  dead_ = true;
}

void fault_env::power_on() {
  std::lock_guard guard{mutex_};
  dead_ = false;
  for (const auto& [path, size] : synced_) {
    std::error_code ec;
    if (std::filesystem::file_size(path, ec) > size && !ec) std::filesystem::resize_file(path, size, ec);
  }
  synced_.clear();
}

uint64_t fault_env::syncs() const {
  std::lock_guard guard{mutex_};
  return syncs_;
}

leveldb::Status fault_env::take(const std::string& path, uint64_t bytes) {
  std::lock_guard guard{mutex_};
  if (dead_) return leveldb::Status::IOError(path, std::strerror(EIO));
  if (bytes > space_ || (bytes == 0 && space_ == 0)) return leveldb::Status::IOError(path, std::strerror(ENOSPC));
  if (space_ != UINT64_MAX) space_ -= bytes;
  return leveldb::Status::OK();
}

void fault_env::note_synced(const std::string& path, uint64_t size) {
  std::lock_guard guard{mutex_};
  ++syncs_;
  synced_[path] = size;
}

leveldb::Status fault_env::open(const std::string& path, uint64_t size, leveldb::WritableFile* file,
                                leveldb::WritableFile** result) {
  std::lock_guard guard{mutex_};
  synced_[path] = size;
  *result = new fault_file(*this, path, size, file);
  return leveldb::Status::OK();
}

leveldb::Status fault_env::NewWritableFile(const std::string& path, leveldb::WritableFile** result) {
  auto s = take(path, 0);
  if (!s.ok()) return s;
  leveldb::WritableFile* file = nullptr;
  s = target()->NewWritableFile(path, &file);
  return s.ok() ? open(path, 0, file, result) : s;
}

leveldb::Status fault_env::NewAppendableFile(const std::string& path, leveldb::WritableFile** result) {
  auto s = take(path, 0);
  if (!s.ok()) return s;
  std::error_code ec;
  auto size = std::filesystem::file_size(path, ec);
  leveldb::WritableFile* file = nullptr;
  s = target()->NewAppendableFile(path, &file);
  return s.ok() ? open(path, ec ? 0 : size, file, result) : s;
}

leveldb::Status fault_env::RenameFile(const std::string& from, const std::string& to) {
  auto s = take(from, 0);
  if (!s.ok()) return s;
  s = target()->RenameFile(from, to);
  std::lock_guard guard{mutex_};
  if (auto i = synced_.find(from); s.ok() && i != synced_.end()) {
    synced_[to] = i->second;
    synced_.erase(i);
  }
  return s;
}

leveldb::Status fault_env::RemoveFile(const std::string& path) {
  auto s = target()->RemoveFile(path);
  std::lock_guard guard{mutex_};
  if (s.ok()) synced_.erase(path);
  return s;
}

}  // namespace skerry::sim
