#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>

#include "actors/link/framing.hpp"
#include "actors/ports/transport.hpp"

/// A connection as an actor uses it: what arrives becomes messages of its own mailbox.
namespace skerry::link {

class link_end;

/// Frames that arrived on the connection of this generation, or none: something was heard. Letters are not among them:
/// they go from the driver's thread right to whom they are for.
struct wire_frames {
  uint64_t generation = 0;
  std::vector<frame> frames;
  size_t bytes = 0;
  caf::error broken;  ///< after them came what is no frame; nothing more comes
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
  ~wire();
  wire(wire&&) noexcept = default;
  wire& operator=(wire&& x) noexcept;

  explicit operator bool() const { return connection_ != nullptr; }
  /// Frames of letters go to `end` from now on, those first that came before. Closed with the wire.
  void carry(std::shared_ptr<link_end> end);
  /// Appends the frames of this message to `out`. Errors: as frame_reader::feed, and link_end::on_frame.
  caf::error take(const wire_frames& m, std::vector<frame>& out);
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
  const ports::connection_ptr& connection() const { return connection_; }

  uint64_t bytes_in() const;
  uint64_t bytes_out() const { return bytes_out_; }
  uint64_t frames_in() const;
  uint64_t frames_out() const { return frames_out_; }

private:
  struct inlet;
  ports::connection_ptr connection_;
  std::shared_ptr<inlet> in_;
  uint64_t bytes_out_ = 0, frames_out_ = 0;
};

/// The goodbye frame, for those who have no wire yet.
frame goodbye_frame(errc code, const std::string& message, uint32_t retry_after_ms);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::wire_frames)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::wire_end)
