#include <algorithm>
#include <stdexcept>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/child.hpp"
#include "tools/skerry-bench/link_basp.hpp"
#include "tools/skerry-bench/link_mesh.hpp"

namespace skerry::bench {
namespace {

constexpr int runs = 3;
constexpr const char* policies[] = {"sharing", "stealing"};

/// CAF's own, best of the runs of either scheduler: what ours is held against.
struct best {
  double per_second = 0, round_trip_us = 1e9;
};

best add_basp(figures& out) {
  best b;
  for (const auto* policy : policies) {
    std::vector<double> rate, trip;
    for (int i = 0; i < runs; ++i) {
      auto f = measure_basp(policy);
      rate.push_back(f.per_second);
      trip.push_back(f.round_trip_us);
    }
    auto name = std::string{"CAF's own BASP without TLS, scheduler "} + policy;
    out.push_back({name + ": messages of 104 bytes, best of 3", quantile(rate, 1), "/s", {}, {}});
    out.push_back({name + ": round trip p50, best of 3", quantile(trip, 0), "us", {}, {}});
    b.per_second = std::max(b.per_second, quantile(rate, 1));
    b.round_trip_us = std::min(b.round_trip_us, quantile(trip, 0));
  }
  return b;
}

/// Ours, medians of the runs.
mesh_figures median(const std::string& policy, bool tls, bool durable) {
  std::vector<double> fleeting, facts, trip;
  for (int i = 0; i < runs; ++i) {
    auto f = measure_mesh(policy, tls, durable);
    fleeting.push_back(f.fleeting_per_second);
    facts.push_back(f.durable_per_second);
    trip.push_back(f.round_trip_us);
  }
  return {quantile(fleeting, 0.5), quantile(facts, 0.5), quantile(trip, 0.5)};
}

}  // namespace

int link_helper(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "basp") return basp_receiver(arguments[1]);
  return mesh_helper(arguments);
}

figures bench_link() {
  figures out;
  auto basp = add_basp(out);
  auto tls = median("sharing", true, true);
  out.push_back({"fleeting letters of 104 bytes over TLS", tls.fleeting_per_second, "/s", 300'000, aim::at_least});
  out.push_back({"durable letters of 104 bytes over TLS", tls.durable_per_second, "/s", 100'000, aim::at_least});
  out.push_back({"round trip over TLS, p50", tls.round_trip_us, "us", 80, aim::at_most});
  auto stealing = median("stealing", true, false);
  out.push_back({"scheduler stealing: fleeting over TLS", stealing.fleeting_per_second, "/s", {}, {}});
  out.push_back({"scheduler stealing: round trip over TLS, p50", stealing.round_trip_us, "us", {}, {}});
  auto plain = median("sharing", false, false);
  out.push_back({"fleeting letters of 104 bytes without TLS; goal: 2x the better BASP", plain.fleeting_per_second, "/s",
                 2 * basp.per_second, aim::at_least});
  out.push_back({"round trip without TLS, p50; goal: half of the better BASP", plain.round_trip_us, "us",
                 basp.round_trip_us / 2, aim::at_most});
  out.push_back({"durable letters at 100 ms round trip time", measure_durable_far(50), "/s", 10'000, aim::at_least});
  auto fleet = measure_fleet(1'000, 100, 8);
  out.push_back({"1,000 links, 100 letters/s each: latency p50", fleet.p50_ms, "ms", {}, {}});
  out.push_back({"1,000 links, 100 letters/s each: latency p99", fleet.p99_ms, "ms", 10, aim::at_most});
  out.push_back({"1,000 links: letters that arrived", fleet.per_second, "/s", {}, {}});
  out.push_back({"one link reads nothing: p99 of the others", fleet.stalled_p99_ms, "ms", {}, {}});
  out.push_back({"one link reads nothing: change of the others' p99", (fleet.stalled_p99_ms / fleet.p99_ms - 1) * 100,
                 "%", 20, aim::at_most});
  return out;
}

}  // namespace skerry::bench
