#pragma once
#include <atomic>
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <mutex>
#include <string>

#include "actors/base/actor.hpp"
#include "schema/vocabulary.hpp"

namespace skerry::supervisors {

/// A message that a traced actor took up. From the tracer to the inspector.
struct message_seen {
  caf::strong_actor_ptr who;
  std::string path;  ///< as the actor itself has it
  caf::strong_actor_ptr sender;
  bool request = false, answer = false;
  std::string name;          ///< of the message's type
  const message_type* type;  ///< of a letter; null: a local message
  caf::message letter;       ///< shared with the mailbox; empty for a local message
  uint64_t missed = 0;       ///< messages before it that were not passed on
};

/// Hands what traced actors take up to the island's inspector, in its own mailbox, so that a traced actor waits for
/// nobody: while too many wait there, further ones are only counted. Built by main; outlives all actors.
class tracer final : public base::trace_sink {
public:
  static constexpr size_t waiting_max = 1'024;

  /// `words` outlives it.
  explicit tracer(const vocabulary& words) : words_(words) {}
  /// Who gets `message_seen` from now on; held weakly.
  void attach(const caf::actor& inspector);
  /// The inspector has taken one up.
  void taken();
  void on_message(const base::actor& who, const caf::mailbox_element& m) override;

private:
  const vocabulary& words_;
  std::mutex mutex_;
  caf::weak_actor_ptr inspector_;
  std::atomic<size_t> waiting_{0};
  std::atomic<uint64_t> missed_{0};
};

}  // namespace skerry::supervisors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::message_seen)
