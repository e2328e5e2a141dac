#pragma once
#include <caf/error.hpp>
#include <caf/mailbox_element.hpp>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "schema/limits.hpp"
#include "schema/vocabulary.hpp"

/// What waits to be sent over a link. None of it is thread-safe: its peer holds the lock. Nothing here lets go of an
/// actor or a message by itself (their destructors may send): what is to be dropped is handed back.
namespace skerry::link {

/// As schema/link.capnp's Envelope.Kind.
enum class envelope_kind : uint8_t { letter, answer, exit, watch, unwatch, watching, gone };

/// An envelope that is to be sent.
struct outgoing {
  envelope_kind kind = envelope_kind::letter;
  const message_type* type = nullptr;  ///< of the content; null: none
  caf::mailbox_element_ptr what;       ///< content and sender; null for watches
  caf::strong_actor_ptr to;            ///< a proxy; null for an answer, and where `to_path` says it
  std::string to_path, from_path;      ///< of watching and gone
  uint64_t call = 0, receipt = 0;
  int64_t since_ms = 0, deadline_ms = 0;
  caf::error failure;
  size_t bytes = 0;  ///< of the body

  bool durable() const { return type != nullptr && type->delivery().how == delivery::kind::durable; }
  /// What it counts against the receiver's window. Durable letters have a window of their own.
  size_t cost() const { return kind == envelope_kind::letter && !durable() ? bytes + limits::envelope_bytes : 0; }
};

/// Fleeting letters of one priority, in order, bounded.
class fleeting_queue {
public:
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  size_t bytes() const { return bytes_; }
  int64_t since_ms() const { return items_.empty() ? 0 : items_.front().since_ms; }
  const outgoing& front() const { return items_.front(); }
  void push(outgoing o);
  outgoing pop();
  /// Moves to `out` what must go so that one more of `bytes` fits: the oldest letters.
  void make_room(size_t bytes, std::vector<outgoing>& out);
  /// Moves to `out` the letters whose time is over.
  void expire(int64_t now_ms, std::vector<outgoing>& out);
  /// Moves to `out` all that is no letter: answers and watches, which need no credit.
  void take_free(std::vector<outgoing>& out, size_t max);
  void take_all(std::vector<outgoing>& out);

private:
  std::deque<outgoing> items_;
  size_t bytes_ = 0;
  int64_t expiry_ms_ = 0;  ///< no letter is past its time before; 0: none has a deadline
};

/// State: one letter for each key, kept until the receiver has handled it.
class latest_slots {
public:
  /// Puts `o` in place of the one with its key, which goes to `replaced`. False if there are too many keys.
  bool put(std::string key, outgoing o, std::vector<outgoing>& replaced);
  bool has_refused() const { return !refused_.empty(); }
  /// Is there one to send?
  bool waits() const { return !order_.empty(); }
  /// The next one to send, now in flight with a new receipt; stays valid until something is put or taken.
  outgoing& take(uint64_t epoch);
  size_t next_cost() const;
  /// The receiver has handled the one with this receipt; false if a newer one took its place or it is not known.
  bool settle(uint64_t receipt, std::vector<outgoing>& done);
  /// Nobody was there for the one with this receipt: it waits again, from `again_ms` on.
  void refuse(uint64_t receipt, int64_t again_ms);
  /// Those refused whose time has come wait to be sent. True if some still wait for their time.
  bool retry(int64_t now_ms);
  /// The connection is gone: all that is in flight waits again.
  void rewind();
  void take_all(std::vector<outgoing>& out);
  size_t size() const { return slots_.size(); }
  uint64_t conflated() const { return conflated_; }
  int64_t since_ms() const { return order_.empty() ? 0 : order_.front()->what.since_ms; }

private:
  enum class phase : uint8_t { waiting, in_flight, refused };
  struct slot {
    std::string key;
    outgoing what;
    phase at = phase::waiting;
    int64_t again_ms = 0;
  };
  std::unordered_map<std::string, std::unique_ptr<slot>> slots_;
  std::deque<slot*> order_;                        ///< waiting, oldest first
  std::unordered_map<uint64_t, slot*> in_flight_;  ///< by receipt
  std::vector<slot*> refused_;
  uint64_t next_receipt_ = 1, conflated_ = 0;
};

/// Requests sent over a link, and who waits for the answers.
class call_table {
public:
  struct call {
    caf::strong_actor_ptr who;
    caf::message_id mid;
    uint32_t ttl_ms = 0;
    int64_t deadline_ms = 0;   ///< 0: none while the link is up
    caf::strong_actor_ptr to;  ///< the proxy
  };
  /// `first`: the number of the first call; hard to guess, so that nobody answers for another.
  explicit call_table(uint64_t first) : next_(first) {}
  /// Returns the number for the answer; 0 if there are too many.
  uint64_t add(call c);
  /// Takes the call out; `who` is null if it is not known (any more).
  call take(uint64_t id);
  /// Sets the deadline of a call that was sent; 0: none.
  void sent(uint64_t id, int64_t deadline_ms);
  /// The link is cut: every call has its time to live from now.
  void suspend(int64_t now_ms);
  /// Moves out the calls whose time is over. `more`: some still have a deadline.
  std::vector<call> expire(int64_t now_ms, bool& more);
  std::vector<call> take_all();
  size_t size() const { return calls_.size(); }
  bool has_deadlines() const { return with_deadline_ > 0; }

  static constexpr uint64_t id_mask = (1ULL << 58) - 1;

private:
  std::unordered_map<uint64_t, call> calls_;
  uint64_t next_;
  size_t with_deadline_ = 0;
};

}  // namespace skerry::link
