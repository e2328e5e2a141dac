#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/cluster.hpp"

namespace skerry::bench {
namespace {

constexpr int singles = 20;
constexpr int herd = 20;

/// Milliseconds from the request that creates a pod to the API saying that it is Running.
double create_to_running(cluster& c, const std::string& name) {
  auto start = now_ms();
  c.create_pod(name);
  for (auto end = start + 30'000; now_ms() < end;) {
    auto pod = c.call("GET", "/api/v1/namespaces/default/pods/" + name);
    if (string_at(pod, "status.phase") == "Running") return now_ms() - start;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  throw std::runtime_error("pod " + name + " does not run");
}

}  // namespace

figures bench_pod() {
  figures out;
  cluster c;
  c.start_cloud();
  c.start_edge();
  create_to_running(c, "warm-up");
  std::vector<double> sample;
  for (int i = 0; i < singles; ++i) {
    auto name = "single-" + std::to_string(i);
    sample.push_back(create_to_running(c, name) / 1000);
    c.delete_pod(name);
  }
  out.push_back({"create to Running, one pod, p50", quantile(sample, 0.5), "s", 0.4, aim::at_most});
  out.push_back({"create to Running, one pod, p99", quantile(sample, 0.99), "s", {}, aim::at_most});
  c.delete_pod("warm-up");
  c.await_gone(30'000);

  auto start = now_ms();
  for (int i = 0; i < herd; ++i) c.create_pod("herd-" + std::to_string(i));
  c.await_running(herd, 60'000);
  out.push_back({"20 pods created at once, all Running", (now_ms() - start) / 1000, "s", 5, aim::at_most});

  c.stop_cloud();
  c.stop_edge();
  c.kill_containers();
  start = now_ms();
  c.start_edge();
  while (c.monitors().size() < herd) {
    if (now_ms() - start > 60'000) throw std::runtime_error("the pods do not come back without a cloud");
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  out.push_back({"agent started without a cloud, 20 pods known, none running: all run", (now_ms() - start) / 1000, "s",
                 5, aim::at_most});
  c.start_cloud();
  return out;
}

}  // namespace skerry::bench
