#pragma once
#include <atomic>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <string>

#include "actors/base/identity.hpp"

namespace skerry::base {

class actor;

/// Sees the messages of actors that are traced (directory::trace).
class trace_sink {
public:
  virtual ~trace_sink() = default;
  /// Called on the thread of `who`, just before it handles `m`; must not block and must not keep `m` (copy its
  /// content).
  virtual void on_message(const actor& who, const caf::mailbox_element& m) = 0;
};

/// What an actor did so far. Written by the actor and by those who send to it, read by any thread that holds its
/// handle; the numbers are each right for themselves and need not fit together while the actor works.
class meter {
public:
  /// Messages that reached its mailbox, answers and timers included.
  uint64_t enqueued() const { return enqueued_.load(std::memory_order_relaxed); }
  /// Messages that it has handled.
  uint64_t handled() const { return handled_.load(std::memory_order_relaxed); }
  /// Messages that wait in its mailbox or are in hand now.
  uint64_t depth() const;
  /// Time that it had a thread to itself, in ns.
  int64_t busy_ns() const { return busy_ns_.load(std::memory_order_relaxed); }
  /// When its present turn on a thread began (ports::clock::steady_ns), 0 if it has none: an actor that is stuck in a
  /// handler shows here.
  int64_t busy_since_ns() const { return busy_since_ns_.load(std::memory_order_relaxed); }
  /// The type of the last message that it took up, such as "skerry::store::commit"; exit messages do not count, so that
  /// the report of a kill tells what came before. Empty before the first one.
  std::string last_message() const;

private:
  friend class actor;
  friend void prepare(actor* self, const skerry::context& ctx, std::string_view path);
  std::atomic<uint64_t> enqueued_{0};
  std::atomic<uint64_t> handled_{0};
  std::atomic<int64_t> busy_ns_{0};
  std::atomic<int64_t> busy_since_ns_{0};
  std::atomic<uintptr_t> last_{0};  ///< a std::type_info*, or below 65,536 one of CAF's own types + 1
};

/// What all actors of the trees are: an event-based actor that counts what it does, and whose messages can be looked
/// at. It costs a turn two readings of the clock, and a message a few relaxed stores.
class actor : public caf::event_based_actor {
public:
  using super = caf::event_based_actor;
  explicit actor(caf::actor_config& cfg) : super(cfg) {}
  ~actor() override;

  /// Its numbers. They live as long as somebody holds a handle of the actor, so also after its end.
  const base::meter& meter() const { return meter_; }
  /// Its path; empty before it has one. Stays valid as long as the actor does.
  std::string_view path() const;
  /// When it started, Unix time in ms; 0 before base::prepare.
  int64_t started_ms() const;
  /// Gives it its path, unless it has one, and returns who it is then: its supervisor does so when it has spawned it,
  /// and base::prepare in its first turn; who comes first wins. The path is where it stands, so both should say the
  /// same.
  identity named(std::string_view path);
  /// Hands each message to `sink` before it is handled, from now on; null ends that. `sink` outlives the actor. Nothing
  /// happens before it has a path.
  void trace(trace_sink* sink);

  using super::consume;
  using super::enqueue;
  void enqueue(caf::mailbox_element_ptr m, caf::execution_unit* host) override;
  caf::invoke_message_result consume(caf::mailbox_element& m) override;
  caf::resumable::resume_result resume(caf::execution_unit* host, size_t messages_max) override;

private:
  friend void prepare(actor* self, const skerry::context& ctx, std::string_view path);

  const skerry::context* ctx() const;

  // 48 bytes: with a state of 16 an actor just fits into 18 lines of 64 bytes (CAF aligns actors to lines).
  base::meter meter_;
  std::atomic<identity::block*> identity_{nullptr};  ///< set once, held until the end
};

/// caf::stateful_actor over base::actor: what the factory of an actor takes as its self.
template <class State>
using stateful = caf::stateful_actor<State, actor>;

/// The base::actor behind a local handle; null for a null handle, for proxies and actors of another making.
actor* actor_of(const caf::actor& handle);

/// The name of the first type in a message, such as "skerry::store::commit"; "an empty message" if it is empty.
std::string message_name(const caf::type_erased_tuple& content);

}  // namespace skerry::base
