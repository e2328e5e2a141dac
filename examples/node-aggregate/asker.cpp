// The same part in a process of its own, at the end of a link: a controller that asks pods by their paths, wherever
// they run.
#include <functional>
#include <utility>

#include "actors/sdk/timer.hpp"
#include "pods.hpp"
#include "tools/sdk/island.hpp"

namespace {

namespace sdk = skerry::sdk;
constexpr uint32_t ask_ms = 500;

struct asker_state {
  std::unique_ptr<node_aggregate::pods> pods;
  std::unique_ptr<sdk::timer> timer;
  std::map<std::string, std::string> told;
};
using actor = skerry::base::stateful<asker_state>;

/// Asks, tells what changed since the last turn, and comes again.
void turn(actor* self, const skerry::context& ctx, const std::string& path) {
  auto& s = self->state;
  s.timer->arm(ask_ms, [=, &ctx] { turn(self, ctx, path); });
  s.pods->ask();
  for (const auto& [pod, state] : s.pods->states())
    if (std::exchange(s.told[pod], state) != state) ctx.log.info(path, "pod " + pod + " says " + state);
}

caf::behavior asker(actor* self, const sdk::island& island, const sdk::resolver& resolve) {
  auto path = island.path("asker");
  skerry::base::prepare(self, island.ctx(), path);
  self->state.timer = std::make_unique<sdk::timer>(self);
  self->state.pods = std::make_unique<node_aggregate::pods>(self, island.ctx(), resolve);
  self->state.pods->start();
  turn(self, island.ctx(), path);
  return sdk::with_wakes();
}

}  // namespace

int main(int argc, char** argv) {
  sdk::island_options options;
  if (auto code = sdk::parse_options(argc, argv, "Asks the pods labelled sample=yes how they are.", options))
    return *code;
  auto opened = sdk::island::open(options);
  if (!opened) return sdk::fail(opened.error());
  auto& island = **opened;
  auto worker = skerry::supervisors::worker("asker", [&island](caf::event_based_actor* parent) {
    return parent->spawn(asker, std::cref(island), island.resolve());
  });
  if (auto started = island.start({worker}); !started) return sdk::fail(started.error());
  return island.await_end();
}
