// How faults are carried out and taken back.
#include <algorithm>

#include "schema/error.hpp"
#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {
constexpr uint64_t turns_before_fault = 500;
}  // namespace

void fleet::apply(const fault& f) {
  // In the middle of work, not in the quiet before it: time passes only when nobody has anything to do.
  for (auto n = w.chance.below(turns_before_fault); n > 0; --n) w.turn();
  standing_.emplace(f.number, f);
  out_.bands.push_back({now_ms(), now_ms() + f.for_ms, f.kind, f.text()});
  switch (f.kind) {
    case fault_kind::partition:
      return hold(f, +1);
    case fault_kind::crash:
      return take_down(f);
    case fault_kind::clocks:
      for (auto i : f.nodes) nodes[i].machine->clock.set(f.jump_ms, plan.clock_drift_ppm);
      return;
    case fault_kind::disks:
      if (f.cloud && cloud.full++ == 0) w.cloud.disk.fail_writes(make_error(errc::full, "no space left on the device"));
      for (auto i : f.nodes) {
        auto& n = nodes[i];
        ++n.disk_faults;
        if (n.full++ == 0) n.machine->disk.fail_writes(make_error(errc::full, "no space left on the device"));
      }
      return;
    case fault_kind::registry:
      if (registry_gone_++ == 0)
        for (auto& n : nodes) n.machine->runtime.set_registry(false);
      return;
    case fault_kind::reconnect:
      return w.net.cut();
    case fault_kind::delays:
      slower_ms_ += f.latency_ms;
      return w.net.slow_down(f.latency_ms);
  }
}

void fleet::undo(const fault& f) {
  if (standing_.erase(f.number) == 0) return;
  switch (f.kind) {
    case fault_kind::partition:
      return hold(f, -1);
    case fault_kind::crash:
      return bring_up(f);
    case fault_kind::clocks:
      for (auto i : f.nodes) nodes[i].machine->clock.set(0, plan.clock_drift_ppm);
      return;
    case fault_kind::disks:
      if (f.cloud && --cloud.full == 0) w.cloud.disk.fail_writes({});
      for (auto i : f.nodes)
        if (--nodes[i].full == 0) nodes[i].machine->disk.fail_writes({});
      return;
    case fault_kind::registry:
      if (--registry_gone_ == 0)
        for (auto& n : nodes) n.machine->runtime.set_registry(true);
      return;
    case fault_kind::reconnect:
      return;
    case fault_kind::delays:
      slower_ms_ -= f.latency_ms;
      return w.net.slow_down(-f.latency_ms);
  }
}

void fleet::hold(const fault& f, int by) {
  for (auto i : f.nodes) {
    auto& n = nodes[i];
    if (f.up) n.held_up += by;
    if (f.down) n.held_down += by;
    w.net.hold(n.machine->line(), n.held_up > 0, n.held_down > 0);
    if (!n.off_line()) {
      n.must_run.clear();
    } else if (by > 0 && n.must_run.empty() && n.down == 0) {
      // A pod that is to go may be told so already.
      std::vector<std::string> going;
      for (auto& o : w.views->current()->pods_on(n.machine->name))
        if (store::is_deleting(o)) going.emplace_back(store::uid_of(o));
      n.machine->runtime.visit([&](const ports::container_state& c) {
        bool stays = std::find(going.begin(), going.end(), c.pod_uid) == going.end();
        if (stays && c.phase == ports::container_phase::running) n.must_run.push_back(c.id);
      });
    }
  }
}

void fleet::take_down(const fault& f) {
  auto crash = [&](node& n, island& i) {
    ++n.crashes;
    n.power_cuts += f.power;
    if (f.power) n.must_run.clear();
    if (n.down++ == 0) w.crash(i, f.power, -1);
    // Its disk is as full as it was.
    if (n.full > 0) i.disk.fail_writes(make_error(errc::full, "no space left on the device"));
  };
  if (f.cloud) crash(cloud, w.cloud);
  for (auto i : f.nodes) {
    if (f.power)
      for (auto& p : parts_) p->before_power_cut(*this, i);
    crash(nodes[i], *nodes[i].machine);
  }
}

void fleet::bring_up(const fault& f) {
  if (f.cloud && --cloud.down == 0) w.start(w.cloud);
  for (auto i : f.nodes)
    if (--nodes[i].down == 0) w.start(*nodes[i].machine);
}

void fleet::heal() {
  auto left = standing_;
  for (auto& [number, f] : left) undo(f);
  quiet_ = true;
}

}  // namespace skerry::sim
