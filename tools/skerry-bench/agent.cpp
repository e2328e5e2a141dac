#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/cluster.hpp"

namespace skerry::bench {
namespace {

constexpr int pods = 20;
constexpr int idle_seconds = 90;
constexpr double megabyte = 1e6;

struct idle_figures {
  double cpu_percent = 0;  ///< of one core
  double rss_max = 0;      ///< bytes, the highest of all seconds
};

/// Watches a process of which nothing is asked.
idle_figures idle(pid_t pid, int seconds) {
  idle_figures out;
  auto before = cpu_us_of(pid);
  auto start = now_ms();
  for (int i = 0; i < seconds; ++i) {
    std::this_thread::sleep_for(std::chrono::seconds{1});
    out.rss_max = std::max(out.rss_max, static_cast<double>(memory_of(pid).rss));
  }
  out.cpu_percent = static_cast<double>(cpu_us_of(pid) - before) / 10.0 / (now_ms() - start);
  return out;
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
  auto settle = [] {
    std::this_thread::sleep_for(std::chrono::seconds{15});
  };  // what comes at start is over; then we measure
  settle();
  auto alone = idle(c.edge_pid(), idle_seconds);
  out.push_back({"agent without pods, RSS, highest of 90 s", alone.rss_max / megabyte, "MB", 12, aim::at_most});
  out.push_back({"agent without pods, idle CPU", alone.cpu_percent, "%", 0.3, aim::at_most});
  for (int i = 0; i < pods; ++i) c.create_pod("idle-" + std::to_string(i));
  c.await_running(pods, 60'000);
  settle();
  auto busy = idle(c.edge_pid(), idle_seconds);
  out.push_back({"agent with 20 pods, RSS, highest of 90 s", busy.rss_max / megabyte, "MB", 16, aim::at_most});
  out.push_back({"agent with 20 pods, idle CPU", busy.cpu_percent, "%", 0.3, aim::at_most});
  out.push_back({"agent with 20 pods, private memory",
                 static_cast<double>(memory_of(c.edge_pid()).private_dirty) / megabyte,
                 "MB",
                 {},
                 aim::at_most});
  double pss = 0;
  auto monitors = c.monitors();
  for (auto pid : monitors) pss += static_cast<double>(memory_of(pid).pss);
  if (!monitors.empty())
    out.push_back({"monitor of each container, PSS", pss / megabyte / static_cast<double>(monitors.size()), "MB", 0.5,
                   aim::at_most});
  out.push_back({"cloud with one node and 20 pods, RSS",
                 static_cast<double>(memory_of(c.cloud_pid()).rss) / megabyte,
                 "MB",
                 {},
                 aim::at_most});
  return out;
}

}  // namespace skerry::bench
