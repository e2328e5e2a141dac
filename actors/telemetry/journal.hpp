#pragma once
#include <deque>
#include <optional>
#include <string>

#include "actors/ports/kv.hpp"
#include "actors/telemetry/frame.hpp"

namespace skerry::telemetry {

/// The samples of a node that the cloud has not got yet, on its disk: what comes is written at once as a small piece;
/// pieces are folded into a frame, in which each property is a column, so that a backlog is small. Frames are numbered,
/// and dropped from the oldest on when they are more than `bytes_max`. Writes are not synced: what was written last may
/// be lost with the power, never with the process. So that no number is given twice then, a journal that is loaded goes
/// on with numbers that are far beyond those that it knows. Keys: "samples/...". Not thread-safe.
class journal {
public:
  static constexpr uint64_t start_gap = 1ULL << 20;  ///< more frames than can be written between two syncs
  static constexpr size_t pieces_max = 256;          ///< then they are to be folded

  journal(ports::kv& kv, size_t bytes_max) : kv_(kv), bytes_max_(bytes_max) {}

  /// Call first. `fresh` names the journal if there is none yet. Errors: of the store.
  caf::error load(const std::string& fresh);
  /// Writes a piece. Errors: of the store; the samples are then neither here nor there.
  caf::error add(frame_builder& what);
  /// Makes one frame of all pieces. Errors: of the store.
  caf::error fold();

  struct entry {
    uint64_t sequence = 0;
    std::string bytes;  ///< of a SampleFrame
  };
  /// The first frame whose number is above `after`, if there is one. Errors: of the store.
  caf::expected<std::optional<entry>> next_after(uint64_t after) const;
  /// The cloud has all up to `sequence`. Errors: of the store.
  caf::error acknowledge(uint64_t sequence);
  /// The cloud cannot use that frame: its samples are lost. Errors: of the store.
  caf::error drop(uint64_t sequence);

  const std::string& name() const { return name_; }
  uint64_t lost() const { return lost_; }    ///< samples dropped
  uint64_t bytes() const { return bytes_; }  ///< of frames
  size_t pieces() const { return pieces_.size(); }
  size_t piece_bytes() const { return piece_bytes_; }

private:
  void put_state(ports::kv_batch& batch) const;
  caf::error drop_oldest(ports::kv_batch& batch);
  void lose(std::string_view key, std::string_view value, ports::kv_batch& batch);

  ports::kv& kv_;
  size_t bytes_max_;
  std::string name_;
  uint64_t next_ = 1, bytes_ = 0, lost_ = 0;
  uint64_t next_piece_ = 1;
  std::deque<uint64_t> pieces_;
  size_t piece_bytes_ = 0;
};

/// A number in 8 bytes, in the order of numbers, for keys; and back.
std::string key_number(uint64_t n);
uint64_t number_of_key(std::string_view eight_bytes);

}  // namespace skerry::telemetry
