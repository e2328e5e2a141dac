// What a simulated fleet costs: time to get it running, an hour of its life, memory; against its size. Each fleet is
// played by skerry-sim, in a process of its own.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "schema/json.hpp"
#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/process.hpp"

namespace skerry::bench {
namespace {

/// What skerry-sim, which lies beside this program, says of a scenario.
json::value play(const std::string& scenario) {
  auto file = std::filesystem::temp_directory_path() / ("skerry-bench-" + std::to_string(::getpid()) + ".yaml");
  std::ofstream{file} << "name: bench\nabout: A fleet that is measured\n" << scenario;
  auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "skerry-sim";
  auto text = run({program.string(), "run", file.string(), "--seed", "1", "--json"});
  std::filesystem::remove(file);
  std::string error;
  auto out = parse_json(text.substr(text.find('{')), error);
  if (!error.empty() || !bool_at(out, "ok")) throw std::runtime_error("the simulated fleet did not do it: " + text);
  return out;
}

double number_at(const json::value& v, const char* key) {
  const auto* n = find(v, key);
  return n != nullptr && n->is_number() ? n->to_number<double>() : 0;
}

std::string size(uint32_t nodes, uint32_t pods) {
  return "nodes: " + std::to_string(nodes) + "\npodsPerNode: " + std::to_string(pods) + "\n";
}

}  // namespace

figures bench_sim() {
  figures out;
  double small_event = 0;
  for (uint32_t nodes : {100u, 1'000u, 5'000u}) {
    auto r = play(size(nodes, 10) + "duration: 1h\n");
    auto fleet = std::to_string(nodes) + " nodes with 10 pods each: ";
    bool goal = nodes == 5'000;
    auto figure_of = [&](const char* what, double value, const char* unit, double most) {
      out.push_back({fleet + what, value, unit, goal ? std::optional{most} : std::nullopt, aim::at_most});
    };
    figure_of("from nothing to all Running", number_at(r, "real_start_s"), "s", 30);
    figure_of("an hour of steady life", number_at(r, "real_life_s"), "s", 30);
    figure_of("peak RSS", number_at(r, "peak_rss_bytes") / 1e6, "MB", 1'500);
    auto event_us = number_at(r, "real_life_s") * 1e6 / std::max(1.0, number_at(r, "life_events"));
    out.push_back({fleet + "RSS of a node with its pods", number_at(r, "peak_rss_bytes") / 1e3 / nodes, "KB", {}, {}});
    out.push_back({fleet + "time of an event of steady life", event_us, "us", {}, {}});
    if (small_event == 0) small_event = event_us;
    if (goal) out.push_back({"time of an event, 5,000 nodes beside 100", event_us / small_event, "x", 2, aim::at_most});
  }
  // A whole fleet cut off for an hour, and meanwhile a pod more for each node.
  auto cut = play(size(5'000, 2) +
                  "duration: 70m\nsettle: 10m\nfaults: [{kind: partition, at: 5m, for: 65m}]\n"
                  "changes: [{kind: scale, app: 0, at: 10m, factor: 2}]\n");
  out.push_back({"5,000 nodes cut off for an hour, 5,000 new pods meanwhile: converged after",
                 number_at(cut, "converged_s"), "s virtual", 60, aim::at_most});
  out.push_back({"5,000 nodes cut off for an hour, 5,000 new pods meanwhile: bytes on the links until then, for each",
                 number_at(cut, "settle_bytes") / 5'000,
                 "B",
                 {},
                 {}});
  return out;
}

}  // namespace skerry::bench
