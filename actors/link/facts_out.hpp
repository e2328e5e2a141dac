#pragma once
#include <deque>
#include <map>

#include "actors/link/outgoing.hpp"
#include "actors/ports/kv.hpp"

namespace skerry::link {

/// The durable letters for one neighbour, as its journal holds them: for each destination a stream in order of
/// sequence. Knows what is written, synced and sent; the bodies of what is far from being sent are on disk alone. Not
/// thread-safe: its peer holds the lock. Keys: "mesh/out<island>/<sequence, 16 hex digits>" -> schema::JournalEntry.
class facts_out {
public:
  struct fact {
    uint64_t sequence = 0;
    uint64_t call = 0;
    int64_t since_ms = 0;
    uint32_t bytes = 0;
    const message_type* type = nullptr;
    caf::mailbox_element_ptr what;  ///< null: on disk alone
    caf::strong_actor_ptr to;       ///< null until it is sent the first time after a start
  };
  struct stream {
    std::string path;
    std::deque<fact> facts;  ///< not acknowledged, oldest first
    size_t sent = 0;         ///< how many of them are on their way
    bool queued = false;     ///< in `ready_`
  };

  explicit facts_out(const std::string& island) : prefix_("mesh/out" + island + "/") {}

  std::string key_of(uint64_t sequence) const;
  /// One more was written.
  void add(const std::string& path, fact f);
  /// All up to `sequence` are on disk: they may be sent.
  void synced(uint64_t sequence);
  uint64_t synced() const { return synced_; }
  /// The next one to send, or null; `stream` is where it is from.
  fact* next(stream*& from);
  /// It was sent.
  void sent(stream& from);
  /// The receiver has committed the effects up to `sequence`; what is let go goes to `done`.
  void acknowledge(std::string_view path, uint64_t sequence, std::vector<fact>& done);
  void take_all(std::vector<fact>& out);
  /// The connection is gone: all is to be sent again.
  void rewind();
  bool holds_body(size_t more) const { return held_bytes_ + more <= limits::durable_memory_bytes; }
  void held(int64_t bytes) { held_bytes_ = static_cast<size_t>(static_cast<int64_t>(held_bytes_) + bytes); }

  size_t count() const { return count_; }
  size_t bytes() const { return bytes_; }
  size_t in_flight() const { return in_flight_; }
  int64_t since_ms() const;
  /// Is there no room for one more of `bytes`?
  bool full(size_t bytes) const {
    return count_ >= limits::durable_waiting_max || bytes_ + bytes > limits::durable_waiting_bytes_max;
  }

private:
  bool may_send(const stream& s) const {
    return s.sent < s.facts.size() && s.facts[s.sent].sequence <= synced_ && s.sent < limits::durable_window;
  }
  void enqueue(stream& s);

  std::string prefix_;
  std::map<std::string, stream, std::less<>> streams_;
  std::deque<stream*> ready_;
  uint64_t synced_ = 0;
  size_t count_ = 0, bytes_ = 0, in_flight_ = 0, held_bytes_ = 0;
};

}  // namespace skerry::link
