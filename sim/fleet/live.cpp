// A fleet that somebody outside steps: it plays its scenario, and stays as it is afterwards.
#include <algorithm>

#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {
constexpr int64_t check_ms = 500;
}  // namespace

void fleet::go_live() {
  begin();
  after(plan.power_on_ms + 1, [this] { await_all(); });
}

/// Others may create pods meanwhile: it need not be exactly those of the scenario.
void fleet::await_all() {
  bool all = eyes->nodes_ready == plan.nodes && eyes->pods_running >= pods_wanted();
  if (!all && now_ms() < plan.power_on_ms + plan.start_ms) return after(check_ms, [this] { await_all(); });
  if (all) out_.started_ms = now_ms();
  unleash();
  after(plan.duration_ms, [this] {
    for (auto& p : parts_) p->finish(*this);
    heal();
  });
}

void fleet::advance(int64_t to_ms, uint64_t turns_max) {
  auto at = std::max(to_ms, now_ms() + 1);
  if (stop_ms_ != at) after(at - now_ms(), [] {});  // time stops there
  stop_ms_ = at;
  for (uint64_t n = 0; now_ms() < at && n < turns_max; ++n) {
    fire_due();
    w.turn();
  }
}

}  // namespace skerry::sim
