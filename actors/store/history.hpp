#pragma once
#include <deque>

#include "actors/ports/kv.hpp"
#include "actors/store/messages.hpp"
#include "schema/limits.hpp"

namespace skerry::store {

struct history_options {
  size_t events_max = limits::log_events_max;
  uint32_t age_ms_max = limits::log_age_ms_max;
  size_t bytes_max = limits::log_bytes_max;
  size_t recent_events_max = limits::recent_events_max;
  size_t recent_bytes_max = limits::recent_bytes_max;
};

/// The revision log as the store knows it: what stands on disk since `compacted` (a few words a revision), and the
/// newest events themselves, in memory.
class history {
public:
  explicit history(history_options options) : options_(options) {}

  /// Oldest revision that a watch can start from.
  uint64_t compacted() const { return compacted_; }
  size_t events() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }

  /// While loading: everything up to `revision` is compacted.
  void start_at(uint64_t revision) { compacted_ = revision; }
  /// Loading is done: what follows is remembered.
  void start_recent_at(uint64_t revision) { recent_from_ = revision; }
  /// A record stands on disk, with the next revision.
  void append(const object& record);
  /// These events, of the newest records, are to be kept in memory as long as they fit. While loading nothing is
  /// remembered.
  void remember(const event_batch& batch);

  /// True if there is more of it than there may be, whatever its age.
  bool over() const { return entries_.size() > options_.events_max || bytes_ > options_.bytes_max; }
  /// True if all events after `after` are in memory.
  bool recalls(uint64_t after) const { return after >= recent_from_; }
  /// The events after `after`, from memory; the first batch is cut where `after` falls into it.
  std::vector<event_batch> recall(uint64_t after) const;

  /// What a compaction would take away, `max` revisions at most, none at or after `hold`. `to` is 0 if there is
  /// nothing.
  struct compaction {
    ports::kv_batch batch;
    uint64_t to = 0;
    size_t revisions = 0;
  };
  compaction plan(int64_t now_ms, uint64_t hold, size_t max) const;
  /// The plan is done.
  void forget(const compaction& done);
  /// Milliseconds until the oldest revision is too old; none if there is no log.
  std::optional<int64_t> next_due_ms(int64_t now_ms) const;

private:
  struct entry {
    uint64_t previous;
    int64_t committed_ms;
    uint32_t bytes;
    bool removed;
  };
  static size_t weight(const event_batch& batch);

  history_options options_;
  std::deque<entry> entries_;  // of compacted_ + 1 and so on
  size_t bytes_ = 0;
  uint64_t compacted_ = 0;
  std::deque<event_batch> recent_;
  uint64_t recent_from_ = 0;  // recent_ holds all events after this revision
  size_t recent_events_ = 0, recent_bytes_ = 0;
};

/// Reads events after `after` from the log on disk, until one of the limits of a replay (schema/limits.hpp) is reached.
/// Errors: those of the kv; errc::corrupt if a record is not there or not whole.
caf::expected<event_batch> replay(const ports::kv& kv, uint64_t after, uint64_t last);

}  // namespace skerry::store
