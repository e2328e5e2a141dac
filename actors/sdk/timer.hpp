#pragma once
#include <caf/event_based_actor.hpp>
#include <caf/message_handler.hpp>
#include <chrono>
#include <functional>
#include <memory>

/// How the parts of the SDK that live in an actor's state (informer, reconciler, leader) wake up in that actor.
namespace skerry::sdk {

/// Sent by such a part to its own actor: run this. Nothing happens once the part is gone.
struct wake {
  std::weak_ptr<const bool> alive;
  std::function<void()> run;
};

/// Put beside the handlers of your actor: `return sdk::with_wakes({ [](const my_message&) {...}, ... });`.
inline caf::message_handler with_wakes(caf::message_handler own = {}) {
  caf::message_handler mine{[](const wake& w) {
    if (w.alive.lock()) w.run();
  }};
  return own ? own.or_else(mine) : mine;
}

/// A timer of such a part: at most one is armed, a new one replaces it. A member of the part; not for hours ahead
/// (CAF cannot cancel a timer, so an old one stays until it is due).
class timer {
public:
  explicit timer(caf::event_based_actor* self) : self_(self) {}

  /// Runs `f` in the actor after `ms` milliseconds (0: as its next message), in place of what was armed before.
  void arm(uint32_t ms, std::function<void()> f) {
    alive_ = std::make_shared<const bool>(true);
    self_->delayed_send(self_, std::chrono::milliseconds{ms}, wake{alive_, std::move(f)});
  }
  void disarm() { alive_.reset(); }

private:
  caf::event_based_actor* self_;
  std::shared_ptr<const bool> alive_;
};

}  // namespace skerry::sdk

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::sdk::wake)
