#include "drivers/kv/leveldb.hpp"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>

#include "drivers/kv/log_env.hpp"
#include "drivers/kv/plain_env.hpp"
#include "schema/error.hpp"

namespace skerry::drivers {
namespace {

using db_ptr = std::shared_ptr<leveldb::DB>;

leveldb::Slice slice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view view(const leveldb::Slice& s) { return {s.data(), s.size()}; }

/// Maps a status of LevelDB, which carries the system's error as its text alone.
caf::error map_error(const leveldb::Status& s, const std::string& directory, const char* what) {
  auto text = s.ToString();
  auto says = [&](int error) { return text.find(std::strerror(error)) != std::string::npos; };
  auto message = std::string{what} + " the store in " + directory + ": ";
  if (says(ENOSPC) || says(EDQUOT))
    return make_error(errc::full,
                      message + "no space left on the device; free some, it goes on by itself (" + text + ")");
  if (text.find("LOCK") != std::string::npos &&
      (says(EAGAIN) || says(EACCES) || text.find("already held") != std::string::npos)) {
    if (says(EACCES) && !says(EAGAIN))
      return make_error(errc::io,
                        message + "permission denied; run as its owner or choose another --data-dir (" + text + ")");
    return make_error(errc::locked,
                      message + "another skerry uses it; stop that one or choose another --data-dir (" + text + ")");
  }
  if (s.IsCorruption())
    return make_error(errc::corrupt, message + "it is damaged (" + text +
                                         "); restore it from a backup, or work on a copy of it with "
                                         "LevelDB's RepairDB (Debian's python3-plyvel: plyvel.repair_db('" +
                                         directory +
                                         "')), "
                                         "which keeps what still reads");
  if (says(EACCES) || says(EPERM))
    return make_error(errc::io,
                      message + "permission denied; run as its owner or choose another --data-dir (" + text + ")");
  if (says(EROFS))
    return make_error(errc::io,
                      message + "the file system is read-only; remount it or choose another --data-dir (" + text + ")");
  return make_error(errc::io, message + text);
}

class leveldb_kv : public ports::kv {
public:
  explicit leveldb_kv(leveldb_options options)
      : options_(std::move(options)),
        env_(options_.env != nullptr ? options_.env : &files_),
        logs_(env_, options_.env == nullptr),
        cache_(leveldb::NewLRUCache(options_.block_cache_bytes)) {}

  ~leveldb_kv() override {
    {
      std::lock_guard guard{compact_mutex_};
      stop_ = true;
    }
    compact_wake_.notify_all();
    if (compactor_.joinable()) compactor_.join();
  }

  caf::expected<void> open() {
    leveldb::Options o;
    o.create_if_missing = true;
    o.env = &logs_;
    o.write_buffer_size = options_.write_buffer_bytes;
    o.max_file_size = std::max<size_t>(options_.write_buffer_bytes / 2, 1024 * 1024);
    o.max_open_files = options_.open_files_max;
    o.block_cache = cache_.get();
    o.block_size = options_.block_bytes;
    o.compression = options_.compress ? leveldb::kSnappyCompression : leveldb::kNoCompression;
    leveldb::DB* db = nullptr;
    auto s = leveldb::DB::Open(o, options_.directory, &db);
    if (!s.ok()) return map_error(s, options_.directory, "cannot open");
    db_ = db_ptr{db};
    failed_ = false;
    return caf::unit;
  }

  caf::expected<void> write(const ports::kv_batch& batch, bool sync) override {
    leveldb::WriteBatch b;
    for (const auto& c : batch.changes) {
      if (c.value)
        b.Put(slice(c.key), slice(c.value.bytes()));
      else
        b.Delete(slice(c.key));
    }
    leveldb::WriteOptions o;
    o.sync = sync;
    // A failure in the background (compaction) shows at the next write: one that finds the disk well is repeated once.
    for (int attempt = 0;; ++attempt) {
      auto db = acquire();
      if (!db) return db.error();
      auto s = (*db)->Write(o, &b);
      if (s.ok()) return caf::unit;
      {
        std::lock_guard guard{mutex_};
        failed_ = true;
      }
      if (attempt > 0 || !probe().ok()) return map_error(s, options_.directory, "cannot write to");
    }
  }

  caf::expected<void> sync() override {
    if (auto db = acquire(); !db) return db.error();
    auto s = logs_.sync_logs();
    if (s.ok()) return caf::unit;
    std::lock_guard guard{mutex_};
    failed_ = true;
    return map_error(s, options_.directory, "cannot sync");
  }

  caf::expected<std::optional<std::string>> get(std::string_view key) const override {
    auto db = current();
    if (!db) return db.error();
    leveldb::ReadOptions o;
    o.verify_checksums = true;
    std::string value;
    auto s = (*db)->Get(o, slice(key), &value);
    if (s.IsNotFound()) return std::optional<std::string>{};
    if (!s.ok()) return map_error(s, options_.directory, "cannot read from");
    return std::optional<std::string>{std::move(value)};
  }

  caf::expected<void> scan(std::string_view first, std::string_view last,
                           const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    auto db = current();
    if (!db) return db.error();
    leveldb::ReadOptions o;
    o.verify_checksums = true;
    o.fill_cache = false;
    std::unique_ptr<leveldb::Iterator> i{(*db)->NewIterator(o)};
    for (i->Seek(slice(first)); i->Valid(); i->Next()) {
      if (!last.empty() && view(i->key()) >= last) break;
      if (!visit(view(i->key()), view(i->value()))) break;
    }
    if (!i->status().ok()) return map_error(i->status(), options_.directory, "cannot read from");
    return caf::unit;
  }

  void compact(std::string_view first, std::string_view last) override {
    std::lock_guard guard{compact_mutex_};
    if (stop_) return;
    compact_range_ = {std::string{first}, std::string{last}};
    if (!compactor_.joinable()) compactor_ = std::thread{[this] { run_compactions(); }};
    compact_wake_.notify_all();
  }

private:
  /// The database to read from: also one that refuses writes.
  caf::expected<db_ptr> current() const {
    std::lock_guard guard{mutex_};
    if (db_ == nullptr)
      return make_error(errc::unavailable, "the store in " + options_.directory +
                                               " is closed after a failed write; it opens at the next one");
    return db_;
  }

  /// The database to write to, opened anew if it failed.
  caf::expected<db_ptr> acquire() {
    std::lock_guard guard{mutex_};
    if (!failed_) return db_;
    auto p = probe();
    if (!p.ok()) return map_error(p, options_.directory, "cannot write to");
    if (db_ != nullptr && db_.use_count() > 1)
      return make_error(errc::io, "the store in " + options_.directory +
                                      " failed and is still being read; it opens anew at the next write");
    db_.reset();
    auto opened = open();
    if (!opened) return opened.error();
    return db_;
  }

  /// Is there space for what opening needs (a table of the write buffer, a manifest)?
  leveldb::Status probe() {
    auto path = options_.directory + "/probe.tmp";
    leveldb::WritableFile* file = nullptr;
    auto s = env_->NewWritableFile(path, &file);
    if (!s.ok()) return s;
    std::unique_ptr<leveldb::WritableFile> owned{file};
    std::string block(64 * 1024, 'p');
    for (size_t n = 0; s.ok() && n < 2 * options_.write_buffer_bytes; n += block.size()) s = file->Append(block);
    if (s.ok()) s = file->Flush();
    if (s.ok()) s = file->Sync();
    auto closed = file->Close();
    owned.reset();
    env_->RemoveFile(path);
    return s.ok() ? closed : s;
  }

  void run_compactions() {
    std::unique_lock lock{compact_mutex_};
    while (true) {
      compact_wake_.wait(lock, [&] { return stop_ || compact_range_; });
      if (stop_) return;
      auto range = *std::exchange(compact_range_, std::nullopt);
      lock.unlock();
      if (auto db = current()) {
        auto first = slice(range.first), last = slice(range.second);
        (*db)->CompactRange(&first, range.second.empty() ? nullptr : &last);
      }
      lock.lock();
    }
  }

  const leveldb_options options_;
  plain_env files_;
  leveldb::Env* env_;
  log_env logs_;
  std::unique_ptr<leveldb::Cache> cache_;  // before db_: outlives it
  mutable std::mutex mutex_;
  db_ptr db_;
  bool failed_ = false;

  std::mutex compact_mutex_;
  std::condition_variable compact_wake_;
  std::optional<std::pair<std::string, std::string>> compact_range_;
  bool stop_ = false;
  std::thread compactor_;
};

}  // namespace

caf::expected<std::unique_ptr<ports::kv>> open_leveldb(leveldb_options options) {
  namespace fs = std::filesystem;
  std::error_code ec;
  bool made = fs::create_directories(options.directory, ec);
  if (!ec && !fs::is_directory(options.directory)) ec = std::make_error_code(std::errc::not_a_directory);
  if (ec)
    return make_error(ec == std::errc::no_space_on_device ? errc::full : errc::io,
                      "cannot make the directory " + options.directory + ": " + ec.message() +
                          "; make it, or choose another --data-dir");
  if (made) fs::permissions(options.directory, fs::perms::owner_all, ec);
  auto kv = std::make_unique<leveldb_kv>(std::move(options));
  auto opened = kv->open();
  if (!opened) return opened.error();
  return std::unique_ptr<ports::kv>{std::move(kv)};
}

}  // namespace skerry::drivers
