#include "sim/ports/sim_clock.hpp"
#include "sim/ports/sim_runtime.hpp"
#include "test/contract/runtime_contract.hpp"

using namespace skerry;

BOOST_AUTO_TEST_CASE(simulated_runtime_keeps_the_contract) {
  sim::sim_clock clock;
  sim::sim_runtime runtime{clock};
  runtime.offer_image("busybox:1");
  std::optional<caf::expected<ports::image_info>> pulled;
  runtime.ensure_image("busybox:1", ports::pull_policy::always, [&](auto r) { pulled = std::move(r); });
  runtime.poll();
  BOOST_REQUIRE(pulled && *pulled);
  auto wait = [&](auto predicate) {
    for (int i = 0; i < 10'000; ++i) {
      if (predicate()) return true;
      if (runtime.poll() == 0) clock.advance(10);
    }
    return false;
  };
  contract::runtime_contract{runtime, "busybox:1", wait}.run();
}
