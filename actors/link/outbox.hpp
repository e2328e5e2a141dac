#pragma once
#include <caf/expected.hpp>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "actors/link/framing.hpp"
#include "actors/link/messages.hpp"
#include "actors/ports/kv.hpp"
#include "actors/ports/random.hpp"

namespace skerry::link {

/// The edge's journal of facts: what the cloud must still hear, on disk, in order. A newer status of the same pod or
/// node replaces the waiting one; events are bounded, the oldest go first and are counted. Facts are staged, then
/// written by one synced batch for all that was staged; numbers are given once and never again, through restarts. Keys
/// in the store: "<prefix>f<sequence, 16 hex digits>" -> schema::Fact, "<prefix>journal", "<prefix>next". Not an actor:
/// link_client owns it. Memory: an index entry of about 150 bytes for each waiting fact, bodies stay on disk.
class outbox {
public:
  explicit outbox(ports::kv& kv, std::string prefix = "link/") : kv_(kv), prefix_(std::move(prefix)) {}

  /// Reads what waits; makes the journal's name the first time. Entries that do not parse are removed and counted.
  caf::error open(ports::random& chance);

  /// Stage a fact. Errors: errc::too_large.
  caf::error stage(const report_pod_status& r);
  caf::error stage(const report_pod_gone& r);
  caf::error stage(const report_node_status& r);
  caf::error stage(const report_event& r);
  caf::error stage(const report_device_status& r);
  bool staged() const { return !staged_.empty(); }
  /// Writes what is staged, synced. On an error nothing of it counts as written: the reporters must be told.
  caf::error flush(int64_t now_ms);

  /// Forgets facts up to `sequence`. The removal is not synced: after a power cut some may be sent again, which is
  /// harmless.
  caf::error acknowledge(uint64_t sequence);

  /// Facts after `sequence` for one frame, up to the limits for a frame; an empty letter if there is none.
  /// `last` becomes the sequence of the last fact in it.
  caf::expected<frame> frame_after(uint64_t sequence, uint64_t& last) const;

  const std::string& journal() const { return journal_; }
  size_t waiting() const { return index_.size(); }
  uint64_t oldest() const { return index_.empty() ? 0 : index_.begin()->first; }
  int64_t oldest_since_ms() const { return index_.empty() ? 0 : index_.begin()->second.since_ms; }
  uint64_t next() const { return next_; }
  uint64_t events_dropped() const { return events_dropped_; }
  uint64_t corrupt_dropped() const { return corrupt_dropped_; }

private:
  struct entry {
    std::string key;  ///< facts of one key replace each other; empty: an event
    uint32_t bytes = 0;
    bool final = false;  ///< podGone: no status may replace it
    int64_t since_ms = 0;
  };
  struct draft {
    entry what;
    std::string body;  ///< schema::Fact
    uint64_t sequence = 0;
  };

  template <class F>
  caf::error stage_with(std::string key, bool final, size_t size, F&& fill);
  bool is_final(const std::string& key) const;
  void insert(uint64_t sequence, entry e);
  void erase(std::map<uint64_t, entry>::iterator at);
  std::string key_of(uint64_t sequence) const;

  ports::kv& kv_;
  std::string prefix_, journal_;
  std::map<uint64_t, entry> index_;
  std::unordered_map<std::string, uint64_t> by_key_;
  std::set<uint64_t> events_;
  std::vector<draft> staged_;
  uint64_t next_ = 1;  ///< first number not given yet
  uint64_t events_dropped_ = 0, corrupt_dropped_ = 0;
};

}  // namespace skerry::link
