// What a simulated fleet costs: time to get it running, an hour of its life, memory; against its size.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <stdexcept>

#include "sim/fleet/fleet.hpp"
#include "tools/skerry-bench/bench.hpp"

namespace skerry::bench {
namespace {

using steady = std::chrono::steady_clock;

/// Takes the times of a run.
struct stopwatch final : sim::part {
  steady::time_point begun = steady::now(), running, ended;
  uint64_t events_before = 0, events_after = 0;
  void start(sim::fleet& f) override {
    running = steady::now();
    events_before = f.w.events();
  }
  void finish(sim::fleet& f) override {
    ended = steady::now();
    events_after = f.w.events();
  }
};

struct readings {
  double start_s = 0, hour_s = 0, rss_bytes = 0, event_us = 0, converged_s = 0, settle_bytes = 0;
  bool ok = false;
};

readings run(const sim::scenario& s) {
  auto watch = std::make_shared<stopwatch>();
  sim::run_options o;
  o.parts.push_back(watch);
  readings r;
  {
    sim::fleet f{s, std::move(o)};
    auto out = f.run();
    r.ok = out.ok;
    r.converged_s = static_cast<double>(out.converged_ms) / 1000;
    r.settle_bytes = static_cast<double>(out.settle_bytes);
  }
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  r.rss_bytes = static_cast<double>(u.ru_maxrss) * 1024;
  r.start_s = std::chrono::duration<double>(watch->running - watch->begun).count();
  r.hour_s = std::chrono::duration<double>(watch->ended - watch->running).count();
  r.event_us = r.hour_s * 1e6 / static_cast<double>(std::max<uint64_t>(1, watch->events_after - watch->events_before));
  return r;
}

/// In a process of its own, for its memory.
readings apart(const sim::scenario& s) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
  auto pid = ::fork();
  if (pid == 0) {
    auto r = run(s);
    bool told = ::write(pipe[1], &r, sizeof r) == static_cast<ssize_t>(sizeof r);
    ::_exit(told ? 0 : 1);
  }
  ::close(pipe[1]);
  readings r;
  auto n = ::read(pipe[0], &r, sizeof r);
  ::close(pipe[0]);
  ::waitpid(pid, nullptr, 0);
  if (n != static_cast<ssize_t>(sizeof r) || !r.ok)
    throw std::runtime_error("the simulated fleet did not do what it must");
  return r;
}

sim::scenario fleet_of(uint32_t nodes) {
  sim::scenario s;
  s.nodes = nodes;
  s.pods_per_node = 10;
  s.duration_ms = 3'600'000;
  return s;
}

}  // namespace

figures bench_sim() {
  figures out;
  double small_event = 0;
  for (uint32_t nodes : {100u, 1'000u, 5'000u}) {
    auto r = apart(fleet_of(nodes));
    auto size = std::to_string(nodes) + " nodes with 10 pods each: ";
    bool goal = nodes == 5'000;
    auto figure_of = [&](const char* what, double value, const char* unit, double most) {
      out.push_back({size + what, value, unit, goal ? std::optional{most} : std::nullopt, aim::at_most});
    };
    figure_of("from nothing to all Running", r.start_s, "s", 30);
    figure_of("an hour of steady life", r.hour_s, "s", 30);
    figure_of("peak RSS", r.rss_bytes / 1e6, "MB", 1'500);
    out.push_back({size + "RSS of a node with its pods", r.rss_bytes / 1e3 / nodes, "KB", {}, {}});
    out.push_back({size + "time of an event of steady life", r.event_us, "us", {}, {}});
    if (small_event == 0) small_event = r.event_us;
    if (goal)
      out.push_back({"time of an event, 5,000 nodes beside 100", r.event_us / small_event, "x", 2, aim::at_most});
  }
  // A whole fleet cut off for an hour, with a change a second meanwhile.
  auto s = fleet_of(1'000);
  s.pods_per_node = 2;
  s.duration_ms = 70 * 60'000;
  s.settle_ms = 10 * 60'000;
  s.writes_per_s = 1'000.0 / 3'600;
  sim::fault_rule cut;
  cut.at_ms = 5 * 60'000;
  cut.for_ms = 65 * 60'000;
  s.faults = {cut};
  auto r = apart(s);
  out.push_back({"1,000 nodes cut off for an hour: converged after", r.converged_s, "s virtual", 60, aim::at_most});
  out.push_back({"1,000 nodes cut off for an hour: bytes on the links until then", r.settle_bytes / 1e3, "KB", {}, {}});
  return out;
}

}  // namespace skerry::bench
