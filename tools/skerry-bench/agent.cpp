#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/cluster.hpp"

namespace skerry::bench {
namespace {

constexpr int pods = 20;
constexpr double megabyte = 1e6;

/// CPU of a process in percent of one core over a while in which nothing is asked of it.
double idle_percent(pid_t pid, double seconds) {
  auto before = cpu_us_of(pid);
  auto start = now_ms();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return static_cast<double>(cpu_us_of(pid) - before) / 10.0 / (now_ms() - start);
}

/// Size of the `skerry` binary without symbols.
double stripped_bytes() {
  auto copy = std::filesystem::temp_directory_path() / ("skerry-stripped-" + std::to_string(::getpid()));
  run({"strip", "-o", copy.string(), cluster::skerry_binary()});
  auto size = static_cast<double>(std::filesystem::file_size(copy));
  std::filesystem::remove(copy);
  return size;
}

}  // namespace

figures bench_agent() {
  figures out;
  out.push_back({"skerry, stripped", stripped_bytes() / megabyte, "MB", 10, aim::at_most});
  cluster c;
  c.start_cloud();
  c.start_edge();
  auto settle = [] { std::this_thread::sleep_for(std::chrono::seconds{5}); };  // what comes at start is over; then we measure
  settle();
  out.push_back({"agent without pods, RSS", static_cast<double>(memory_of(c.edge_pid()).rss) / megabyte, "MB", 12, aim::at_most});
  out.push_back({"agent without pods, idle CPU", idle_percent(c.edge_pid(), 60), "%", 0.3, aim::at_most});
  for (int i = 0; i < pods; ++i) c.create_pod("idle-" + std::to_string(i));
  c.await_running(pods, 60'000);
  settle();
  out.push_back({"agent with 20 pods, RSS", static_cast<double>(memory_of(c.edge_pid()).rss) / megabyte, "MB", 16, aim::at_most});
  out.push_back({"agent with 20 pods, idle CPU", idle_percent(c.edge_pid(), 60), "%", 0.3, aim::at_most});
  double pss = 0;
  auto monitors = c.monitors();
  for (auto pid : monitors) pss += static_cast<double>(memory_of(pid).pss);
  if (!monitors.empty())
    out.push_back({"monitor of each container, PSS", pss / megabyte / static_cast<double>(monitors.size()), "MB", 0.5, aim::at_most});
  out.push_back({"cloud with one node and 20 pods, RSS", static_cast<double>(memory_of(c.cloud_pid()).rss) / megabyte, "MB", {}, aim::at_most});
  return out;
}

}  // namespace skerry::bench
