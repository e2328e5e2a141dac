#pragma once
#include <string>
#include <string_view>

#include "actors/base/actor.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/log.hpp"
#include "actors/ports/random.hpp"

namespace skerry {

/// What every actor of an island needs from outside. Built by main (or the simulator's world); outlives all actors.
struct context {
  ports::clock& clock;
  ports::random& random;
  ports::log& log;
};

namespace base {

/// Sent by an actor to its supervisor when it can do its work; rest_for_one starts the next child only then.
struct ready {
  std::string path;
};

/// Sets what every actor starts from: its path, such as "/cloud/controllers/deployment", the clock of its meter, the
/// default handler (logged, `sec::unexpected_message` to a requester), the exception handler (what() and the type of
/// the message in hand go to the log and the exit reason, the actor dies alone), the down handler (ignored). Call first
/// in the factory. `ctx` outlives the actor.
void prepare(actor* self, const context& ctx, std::string_view path);

}  // namespace base
}  // namespace skerry

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::base::ready)
