#pragma once
#include <atomic>
#include <caf/ref_counted.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "actors/link/facts_out.hpp"
#include "actors/link/letters_frame.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/names.hpp"
#include "actors/link/outgoing.hpp"

namespace skerry::link {

class link_end;
class mesh_core;

/// A neighbour of this island: what waits for it and what it still owes us. Lives as long as proxies over it do, and is
/// suspended while no connection carries it. Callable from any thread.
class peer final : public caf::ref_counted {
public:
  peer(mesh_core& core, std::string island);
  ~peer() override;

  const std::string& island() const { return island_; }
  /// True if it was not marked: the caller puts it among those that the worker looks after.
  bool mark_due() { return !due_.exchange(true); }
  void unmark_due() { due_ = false; }
  mesh_core& core() const { return core_; }

  // -- from proxies (peer.cpp)
  // ------------------------------------------------------------------------------------------
  void send(proxy& to, caf::mailbox_element_ptr what);
  void watch(proxy& what);
  void unwatch(proxy& what);

  // -- from what was received (peer.cpp)
  // ----------------------------------------------------------------------------------
  /// Queues an envelope that is no letter: watching, gone, an answer.
  void post(outgoing o);
  /// Answers a call of the other side with a failure.
  void fail(uint64_t call, const caf::error& why);
  /// An answer came.
  void answered(uint64_t call, caf::strong_actor_ptr from, caf::message what);
  void on_watching(std::string_view path, uint64_t incarnation);
  void on_gone(std::string_view path, const caf::error& why);
  void on_settled(const link_end& from, schema::Settled::Reader s);
  /// To be told to the other side, soon.
  void settle_state(uint64_t receipt, bool handled);
  void settle_fact(const std::string& journal, const std::string& path, uint64_t sequence);
  void post_answer(uint64_t call, caf::mailbox_element_ptr what) { post(answer_to(call, std::move(what))); }
  void release_moved(const link_end& from);
  /// Held while a frame is handled, so that no frame of a connection comes after those of the one in its place.
  std::unique_lock<std::mutex> incoming() { return std::unique_lock{incoming_mutex_}; }
  /// The receipt of a latest letter that is a request too: its answer is for this call.
  void expect_answer(uint64_t receipt, uint64_t call);
  /// The other side wants to know when the actor at `path`, now `who`, ends.
  void watched(const std::string& path, const std::string& watcher, const caf::strong_actor_ptr& who, uint64_t known,
               bool local);
  void unwatched(const std::string& path);

  // -- from the connection's owner and driver (peer_link.cpp)
  // ---------------------------------------------------------------
  void up(std::shared_ptr<link_end> end);
  /// The other side said `mesh`.
  void ready(const link_end& end, uint64_t window_bytes, const std::string& journal);
  void down(const link_end& end);
  void drained(const link_end& end);

  // -- the journal (peer_facts.cpp)
  // -----------------------------------------------------------------------------------------
  void send_fact(outgoing o);
  /// One that was there at the start. Errors: errc::unsupported.
  caf::error load_fact(uint64_t sequence, schema::JournalEntry::Reader e);
  /// The last sequence that was written and is not synced; 0: none.
  uint64_t facts_written() const;
  void facts_synced(uint64_t sequence);
  void take_erased(ports::kv_batch& batch);
  /// Lets go of all that waits, and returns how many letters that were. `batch` takes them off the disk; null: there
  /// they stay for the next start.
  size_t drop_facts(ports::kv_batch* batch);

  // -- from operators and the worker (peer_link.cpp)
  // ------------------------------------------------------------------------
  void hold(bool on);
  /// Ends it for good; returns how many letters had waited in memory.
  size_t forget();
  /// Drops and fails what is past its time, sends again what was refused. True if it wants to be called again soon.
  bool tick(int64_t now_ms);
  bool is_up() const;
  bool idle_since(int64_t before_ms) const;
  link_figures figures() const;
  void count_dropped(uint64_t drop_counts::*what, uint64_t n = 1);

private:
  /// What is let go of once the lock is free, for what it holds may send when it is destroyed.
  struct graveyard {
    std::vector<outgoing> quiet;    ///< sent, or replaced
    std::vector<outgoing> refused;  ///< requests among them are answered
  };
  struct guard {
    caf::actor_id who = 0;
    std::string watcher;
  };

  // under the lock
  void look_after();
  bool can_send() const;
  bool lower();
  bool has_credit(size_t cost) const { return unsettled_ == 0 || unsettled_ + cost <= window_; }
  void flush(graveyard& dead);
  void collect(std::vector<outgoing>& batch, std::vector<outgoing>& facts, std::vector<outgoing*>& all);
  void transmit(std::vector<outgoing*>& all);
  void flush_settled();
  void push(outgoing o, graveyard& dead);
  void push_letter(outgoing o, graveyard& dead);

  bool is_deleted() const;
  bool wait_for_room(size_t bytes, std::unique_lock<std::mutex>& journal);
  bool fetch(facts_out::fact& f, const std::string& path);
  void collect_facts(std::vector<outgoing>& views, size_t& bytes);
  void give_back(std::vector<outgoing>& views);
  void acknowledge(std::string_view path, uint64_t sequence, std::vector<facts_out::fact>& done);

  void answer(caf::mailbox_element_ptr what);
  outgoing answer_to(uint64_t call, caf::mailbox_element_ptr what);
  void ended(const std::string& path, caf::actor_id who, const caf::error& why);
  void post_gone(const std::string& path, const std::string& watcher, const caf::error& why);
  void bounce(outgoing& o, errc code, const std::string& why);
  void bury(graveyard& dead, errc code, const char* why);
  int64_t now() const;

  mesh_core& core_;
  const std::string island_;
  std::atomic<bool> due_{false};
  std::mutex incoming_mutex_;  ///< taken before all others
  std::mutex journal_mutex_;   ///< so that sequences reach the disk in order; taken before mutex_
  std::condition_variable journal_room_;
  mutable std::mutex mutex_;

  std::shared_ptr<link_end> end_;  ///< null: suspended
  bool ready_ = false, held_ = false, deleted_ = false;
  std::optional<names_out> names_;
  std::string journal_;  ///< of the other side
  uint64_t window_ = 0, sent_bytes_ = 0, released_bytes_ = 0, unsettled_ = 0;

  fleeting_queue state_, bulk_, fact_;
  latest_slots latest_;
  facts_out facts_;
  std::vector<facts_out::fact*> lent_;  ///< whose contents are in the frame that is being built
  std::vector<uint64_t> erased_;        ///< acknowledged, still on disk
  uint64_t written_ = 0;
  call_table calls_;
  std::map<std::string, uint64_t, std::less<>> watches_;  ///< path -> incarnation of the actor there, 0: not known
  std::map<std::string, guard> guarded_;                  ///< what the other side watches here
  std::map<uint64_t, uint64_t> expected_;                 ///< receipt -> call
  settlement settling_;

  link_figures counted_;
  int64_t settled_ms_ = -1;
  drop_counts dropped_;
};

}  // namespace skerry::link
