#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/link/mesh.hpp"
#include "sim/ports/memory_kv.hpp"
#include "sim/ports/sim_files.hpp"
#include "sim/ports/sim_machine.hpp"
#include "sim/ports/sim_prober.hpp"
#include "sim/ports/sim_runtime.hpp"
#include "supervisors/edge_tree.hpp"

namespace skerry::sim {

/// The clock of one machine: what people set it to, and how fast it goes. Its steady time is the world's, for timers
/// are CAF's, which has one clock.
class island_clock final : public ports::clock {
public:
  explicit island_clock(const ports::clock& world) : world_(world) {}
  int64_t steady_ms() const override { return world_.steady_ms(); }
  int64_t wall_ms() const override {
    auto since = static_cast<double>(world_.steady_ms() - set_ms_);
    return world_.wall_ms() + offset_ms_ + static_cast<int64_t>(since * drift_ppm_ / 1e6);
  }
  /// From now on `offset_ms` off the true time, and that grows by `drift_ppm` microseconds each second.
  void set(int64_t offset_ms, double drift_ppm) {
    offset_ms_ = offset_ms;
    drift_ppm_ = drift_ppm;
    set_ms_ = world_.steady_ms();
  }

private:
  const ports::clock& world_;
  int64_t offset_ms_ = 0, set_ms_ = 0;
  double drift_ppm_ = 0;
};

/// One machine with one process: what a main builds around its tree.
struct island {
  island(const ports::clock& world, ports::random& chance, ports::log& log, std::string path, size_t reports)
      : path(std::move(path)), clock(world), ctx{clock, chance, log}, crashes(reports) {}
  std::string path;
  island_clock clock;
  context ctx;
  memory_kv disk;
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services services{ctx, directory, crashes};
  std::unique_ptr<link::mesh> mesh;                 ///< of the process that runs now
  std::vector<std::unique_ptr<link::mesh>> graves;  ///< of those before: somebody may still hold a proxy of them
  caf::actor root;
  std::function<caf::actor()> start;
  uint64_t starts = 0;
  uint64_t power_cuts = 0;
  std::pair<uint64_t, size_t> listed{};  ///< version of the directory, and its entries then
};

/// An edge node: its machine, its containers, which outlive the agent, and the agent's process.
struct edge : island {
  edge(const ports::clock& world, ports::random& chance, ports::log& log, std::string node, size_t reports)
      : island(world, chance, log, "/node/" + node, reports), name(std::move(node)), runtime(clock) {}
  std::string name;
  sim_runtime runtime;
  sim_files files;
  sim_prober prober;
  sim_machine machine;
  std::unique_ptr<supervisors::edge_tree_parts> tree;
  /// The name of its line in the network.
  std::string line() const { return "system:node:" + name; }
};

}  // namespace skerry::sim
