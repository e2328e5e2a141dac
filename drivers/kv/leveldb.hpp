#pragma once
#include <caf/expected.hpp>
#include <memory>
#include <string>

#include "actors/ports/kv.hpp"

namespace leveldb {
class Env;
}

namespace skerry::drivers {

struct leveldb_options {
  std::string directory;                        ///< made if missing, mode 0700
  size_t write_buffer_bytes = 4 * 1024 * 1024;  ///< held up to twice in memory
  size_t block_cache_bytes = 1024 * 1024;
  int open_files_max = 74;        ///< LevelDB raises less than 74 to that: 10 are its own, the rest tables
  size_t block_bytes = 4 * 1024;  ///< of a table: one write each, and what a read of one key reads
  bool compress = true;           ///< tables, with Snappy; the log of recent writes is never compressed
  leveldb::Env* env = nullptr;    ///< tests inject faults here; null: the file system. Outlives the kv

  /// For a cloud: many writes a second.
  static leveldb_options large(std::string directory) {
    leveldb_options o;
    o.directory = std::move(directory);
    o.compress = false;
    o.block_bytes = 32 * 1024;
    return o;
  }
  /// For an edge: few writes, little memory, a disk that wears.
  static leveldb_options small(std::string directory) {
    leveldb_options o;
    o.directory = std::move(directory);
    o.write_buffer_bytes = 256 * 1024;
    o.block_cache_bytes = 512 * 1024;
    return o;
  }
};

/// Opens, or creates, the store in a directory, which one process holds at a time.
/// Errors, each with the path and the remedy: errc::locked, io (unwritable, not a directory), full, corrupt.
/// After a failed write (LevelDB then refuses all others) the next write probes the disk and opens the database anew,
/// so that it goes on once there is space again. A write that failed may show after that, or not; whole in any case.
caf::expected<std::unique_ptr<ports::kv>> open_leveldb(leveldb_options options);

}  // namespace skerry::drivers
