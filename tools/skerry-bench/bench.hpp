#pragma once
#include <optional>
#include <string>
#include <vector>

namespace skerry::bench {

enum class aim : uint8_t { at_most, at_least };

/// One measured number.
struct figure {
  std::string metric;  ///< what, with enough words to stand alone: "GET of a 4 KB pod, CPU of the server"
  double value = 0;
  std::string unit;            ///< "us", "MB" (10^6 bytes), "/s", "%"
  std::optional<double> goal;  ///< from the issue that asked for it; none: for information
  aim direction = aim::at_most;

  bool ok() const { return !goal || (direction == aim::at_most ? value <= *goal : value >= *goal); }
};
using figures = std::vector<figure>;

/// The benchmarks. Each sets up what it needs, measures, takes all down again; throws std::runtime_error with the
/// reason if it cannot.
figures bench_store();
figures bench_api();
figures bench_agent();
figures bench_link();
figures bench_pod();
figures bench_actors();
figures bench_sim();
figures bench_twin();

/// The value at fraction `q` of the sorted sample; 0 for an empty one.
double quantile(std::vector<double> sample, double q);

}  // namespace skerry::bench
