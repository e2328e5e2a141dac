#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>

#include "actors/link/framing.hpp"
#include "actors/ports/transport.hpp"

/// A connection as an actor uses it: what arrives becomes messages of its own mailbox.
namespace skerry::link {

/// Bytes that arrived on the connection of this generation.
struct wire_bytes {
  uint64_t generation = 0;
  ports::bytes data;
};
/// That connection is gone; no more of it comes.
struct wire_end {
  uint64_t generation = 0;
  caf::error why;
};

/// Owns a connection for an actor: starts it, cuts frames, bounds what waits in the mailbox, counts. Closes it when
/// destroyed. Messages of an older generation than the actor's present one are the actor's to ignore.
class wire {
public:
  wire() = default;
  /// Starts delivery to `owner`, held weakly.
  wire(ports::connection_ptr connection, const caf::actor& owner, uint64_t generation);

  explicit operator bool() const { return connection_ != nullptr; }
  /// Appends the frames that are whole with these bytes. Errors: as frame_reader::feed.
  caf::error take(const wire_bytes& m, std::vector<frame>& out);
  void send(const frame& f);
  template <class F>
  void send_with(F&& fill) {
    send(frame::build(std::forward<F>(fill)));
  }
  void ping(uint64_t number);
  void pong(uint64_t number);
  /// Says goodbye and closes.
  void goodbye(errc code, const std::string& message, uint32_t retry_after_ms = 0);
  void close();
  /// Bytes that the peer has not taken yet.
  size_t queued() const { return connection_ ? connection_->queued() : 0; }
  const ports::peer_identity& peer() const { return connection_->peer(); }

  uint64_t bytes_in() const { return bytes_in_; }
  uint64_t bytes_out() const { return bytes_out_; }
  uint64_t frames_in() const { return frames_in_; }
  uint64_t frames_out() const { return frames_out_; }

private:
  ports::connection_ptr connection_;
  std::shared_ptr<std::atomic<size_t>> unhandled_;
  frame_reader reader_;
  uint64_t bytes_in_ = 0, bytes_out_ = 0, frames_in_ = 0, frames_out_ = 0;
};

/// The goodbye frame, for those who have no wire yet.
frame goodbye_frame(errc code, const std::string& message, uint32_t retry_after_ms);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::wire_bytes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::wire_end)
