#include <algorithm>
#include <stdexcept>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/child.hpp"
#include "tools/skerry-bench/link_basp.hpp"

namespace skerry::bench {

int link_helper(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "basp") return basp_receiver(arguments[1]);
  throw std::runtime_error("no such helper");
}

figures bench_link() {
  figures out;
  constexpr int runs = 3;
  for (const auto* policy : {"sharing", "stealing"}) {
    std::vector<double> rate, trip;
    for (int i = 0; i < runs; ++i) {
      auto f = measure_basp(policy);
      rate.push_back(f.per_second);
      trip.push_back(f.round_trip_us);
    }
    auto name = std::string{"CAF's own BASP without TLS, scheduler "} + policy;
    out.push_back({name + ": messages of 104 bytes, best of 3", quantile(rate, 1), "/s", {}, {}});
    out.push_back({name + ": round trip p50, best of 3", quantile(trip, 0), "us", {}, {}});
  }
  return out;
}

}  // namespace skerry::bench
