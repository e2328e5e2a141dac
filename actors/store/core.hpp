#pragma once
#include <memory>

#include "actors/ports/random.hpp"
#include "actors/store/contents.hpp"
#include "actors/store/history.hpp"

namespace skerry::store {

/// What the store actor decides with, without an actor or a write: commits are applied to an open batch, which the
/// caller closes and writes; then it is accepted, or rolled back as if it had never been. While one is being written,
/// commits are applied to the next, on top of it.
class core {
public:
  /// Reads everything from the kv; lays it out first if it is new.
  /// Errors: those of the kv; errc::corrupt if records are missing or contradict each other, errc::unsupported if a
  /// newer version wrote it.
  static caf::expected<std::unique_ptr<core>> load(ports::kv& kv, ports::random& random, history_options options = {});

  /// Applies a commit to the open batch: all of its changes, or none and an error (see `commit`).
  caf::expected<committed> apply(const std::vector<change>& changes, int64_t now_ms);
  size_t batch_writes() const { return events_.size(); }
  size_t batch_bytes() const { return batch_bytes_; }
  /// Closes the open batch, which is not empty, and returns what to write, synced, before `accept`. Not while another
  /// is closed.
  std::shared_ptr<const ports::kv_batch> close();
  /// The closed batch is on disk: it is part of the state now. Returns its events.
  event_batch accept();
  /// The closed batch could not be written. What was applied since stood on it and is gone with it.
  void roll_back();

  /// The state without the closed and the open batch.
  view_ptr make_view() const { return std::make_shared<contents_view>(accepted_, accepted_revision_, log.compacted()); }
  uint64_t revision() const { return accepted_revision_; }
  const std::string& cluster_uid() const { return cluster_uid_; }

  history log;

private:
  explicit core(history_options options) : log(options) {}
  caf::expected<void> read_meta(ports::kv& kv, ports::random& random);
  caf::expected<void> read_records(const ports::kv& kv);
  caf::expected<void> take_record(const object& o);
  caf::expected<object> apply(const change& c, uint64_t revision, int64_t now_ms);
  void undo(size_t events);

  std::string cluster_uid_;
  contents accepted_;  // as published; `now_` shares all with it but what the batches touched
  uint64_t accepted_revision_ = 0;
  struct {
    std::vector<event> events;
    contents now;
    uint64_t revision = 0;
  } closed_;
  contents now_;
  uint64_t revision_ = 0;
  std::vector<event> events_;
  ports::kv_batch batch_;
  size_t batch_bytes_ = 0;
  uint64_t stray_to_ = 0;  // a failed batch may have left records up to this revision
};

}  // namespace skerry::store
