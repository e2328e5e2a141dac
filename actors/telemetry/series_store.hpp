#pragma once
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "actors/ports/kv.hpp"
#include "actors/telemetry/frame.hpp"

namespace skerry::telemetry {

struct series_limits {
  int64_t age_ms = 30LL * 24 * 3'600'000;  ///< days that ended longer ago are deleted
  uint64_t bytes_max = 10'000'000'000;     ///< of blocks; then the oldest days are deleted
  uint64_t open_bytes_max = 1024 * 1024;   ///< of a node's frames; then they are made into blocks
  int64_t open_ms_max = 3'600'000;         ///< and when the oldest of them is so old
};

/// The cloud's time series. What a node sends is kept as it came, with the number of the last frame in the same write,
/// until there is an hour or a megabyte of it; then it becomes blocks, one for each property and day, in one write that
/// removes the frames. Old days are deleted whole. Nothing is held in memory but a line for each node and day. One
/// thread writes (put, commit, seal, retain); `scan` is callable from any thread, and holds up `seal` alone.
///
/// Keys, below "samples/": "o/<node>" -> SampleOffset; "f/<node>\0<number>" -> SampleFrame;
/// "b/<day><namespace>\0<name>\0 <property>\0<first time><number>" -> how many ms until its last sample, and a column;
/// "d/<day>" -> bytes of its blocks; "n" -> the next number. Numbers in keys have 8 bytes; days are those of Unix time
/// (UTC).
class series_store {
public:
  series_store(ports::kv& kv, series_limits limits) : kv_(kv), limits_(limits) {}

  /// Call first. Errors: of the store.
  caf::error load(int64_t now_ms);

  /// The last frame of a node's journal that is in `commit`'s reach; 0: none.
  uint64_t kept(const std::string& node, std::string_view journal) const;
  /// Takes a frame, which `check_frame` has passed; it is on disk after `commit`.
  void put(const std::string& node, std::string_view journal, uint64_t sequence, uint64_t lost,
           const letter<schema::SampleFrame>& frame, int64_t now_ms);
  /// Writes, synced, what was put. Errors: of the store; then what was put is forgotten, offsets too.
  caf::error commit();
  /// The nodes whose frames are due to become blocks.
  std::vector<std::string> due(int64_t now_ms) const;
  /// Makes blocks of a node's frames. Errors: of the store.
  caf::error seal(const std::string& node, int64_t now_ms);
  /// Deletes some of what is too old or too much; true if there is more to delete. Errors: of the store.
  caf::expected<bool> retain(int64_t now_ms);

  struct range {
    std::string ns, name, property;  ///< an empty property: all
    int64_t from_ms = 0, to_ms = 0;  ///< from <= time < to
  };
  using visitor = std::function<bool(std::string_view property, sample s)>;
  /// Calls `visit` with all samples in the range, until it returns false: first what is not in blocks yet, then one day
  /// after the other, each in any order. After a day `day_done(its end)` says whether to go on. Errors: of the store,
  /// errc::corrupt.
  caf::error scan(const range& r, const visitor& visit, const std::function<bool(int64_t)>& day_done) const;

  /// Are there any samples of that device?
  bool knows(const std::string& ns, const std::string& name) const;
  uint64_t block_bytes() const;

private:
  struct open_node {
    uint64_t bytes = 0;
    int64_t since_ms = 0;
    std::set<std::string, std::less<>> devices;  ///< "<namespace>/<name>"
  };
  struct offset {
    std::string journal;
    uint64_t sequence = 0, lost = 0;
  };
  void note(const std::string& node, const letter<schema::SampleFrame>& frame, int64_t now_ms);
  caf::error load_offsets();
  caf::error scan_open(const std::string& node, const range& r, const visitor& visit, bool& more) const;
  caf::error scan_day(uint64_t day, const range& r, const visitor& visit, bool& more) const;

  ports::kv& kv_;
  series_limits limits_;
  mutable std::shared_mutex sealing_;  ///< shared: no frames become blocks meanwhile; taken before `mutex_`
  mutable std::mutex mutex_;           ///< of open_ and days_, for those who are not the writing thread
  std::map<std::string, open_node> open_;
  std::map<uint64_t, uint64_t> days_;  ///< bytes of the blocks of each
  std::map<std::string, offset> offsets_;
  ports::kv_batch pending_;
  uint64_t next_ = 1;  ///< numbers frames and blocks
};

}  // namespace skerry::telemetry
