#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "actors/link/peer.hpp"
#include "actors/ports/kv.hpp"

namespace skerry::link {

class mesh_core;

/// The durable letters that come to this island. Each pair of a sender's journal and a destination is a stream; a
/// letter is delivered as a request, whose answer says that its effect is committed; the stream's offset follows on
/// disk, and only then is the sender told. What its receiver had in its mailbox when it ended is delivered again, in
/// order, to the actor that stands there then. Keys: "mesh/in<island>/<journal><path>" -> sequence. Callable from any
/// thread.
class facts_in {
public:
  facts_in(mesh_core& core, ports::kv* kv) : core_(core), kv_(kv) {}

  /// A letter as it came.
  struct arrival {
    peer_ptr over;
    std::string_view journal, path;
    uint64_t sequence = 0, call = 0;
    const message_type* type = nullptr;  ///< null: not known here
    std::span<const std::byte> body;
    caf::strong_actor_ptr from;
  };
  /// Takes a letter, once. `slot` is the stream's, kept by the caller for the next one; 0: not known.
  void arrived(const arrival& a, uint32_t& slot);
  /// The receiver of a letter has answered, or has ended.
  void answered(uint64_t receipt, caf::mailbox_element_ptr what);
  void stamp(uint64_t receipt, ports::kv_batch& batch);

  /// Delivers again what can be. True if something still waits for its receiver.
  bool retry(int64_t now_ms);
  /// Adds the offsets that moved to `batch`. They are to be written, synced, and then `committed`.
  void collect(ports::kv_batch& batch);
  /// What was collected is on disk: the senders are told.
  void committed();
  bool dirty() const;
  void stop();

  /// A receipt's bits in a request id: 1, 1, 18 bits of the stream's slot, 40 of the sequence.
  static constexpr uint64_t receipt_bit = 1ULL << 59, durable_bit = 1ULL << 58;
  static bool is_receipt(uint64_t id) { return (id & receipt_bit) != 0 && (id & durable_bit) != 0; }

private:
  struct pending {
    uint64_t sequence = 0, call = 0;
    const message_type* type = nullptr;
    caf::message what;
    caf::strong_actor_ptr from;
    uint8_t crashes = 0;
    bool delivered = false, done = false;
    caf::error suspect{};  ///< what was answered, if that may be the last word of a receiver that ends
  };
  struct stream {
    peer_ptr over;
    std::string key, path, journal;
    uint32_t slot = 0;
    uint64_t committed = 0;  ///< on disk
    uint64_t collected = 0;  ///< about to be
    uint64_t done = 0;       ///< answered, and all before it
    uint64_t stamped = 0;    ///< written by the receiver itself
    uint64_t accepted = 0;   ///< the last one that was taken
    std::deque<pending> waiting;
    caf::actor_id receiver = 0;
    bool receiver_ended = false;
    bool stalled = false;
    int64_t again_ms = 0;
  };
  struct parcel {
    caf::strong_actor_ptr to, from;
    caf::message_id mid;
    caf::message what;
  };

  stream* find(uint64_t receipt, pending** p);
  stream* open(const arrival& a, uint32_t& slot);
  void evict();
  void finish(stream& s);
  void settle(stream& s);
  static caf::message_id receipt_of(const stream& s, const pending& p);
  void watch(uint32_t slot, const caf::strong_actor_ptr& who);
  void ended(uint32_t slot, caf::actor_id who);
  bool had_effect(const stream& s, const pending& p) const;
  static bool may_be_crash(const caf::error& why);
  static bool receives(stream& s, const caf::actor_control_block& who);
  void bury(const stream& s, const pending& p, const caf::error& why);
  bool refuse_suspects(stream& s);

  mesh_core& core_;
  ports::kv* kv_;
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<stream>> slots_{1};
  std::vector<uint32_t> free_;
  std::map<std::string, uint32_t, std::less<>> by_key_;
  std::set<uint32_t> dirty_, stalled_;
};

}  // namespace skerry::link
