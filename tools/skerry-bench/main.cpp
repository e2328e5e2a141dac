#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "schema/json.hpp"
#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/child.hpp"

namespace skerry::bench {

double quantile(std::vector<double> sample, double q) {
  if (sample.empty()) return 0;
  std::sort(sample.begin(), sample.end());
  return sample[std::min(sample.size() - 1, static_cast<size_t>(q * static_cast<double>(sample.size())))];
}

namespace {

struct entry {
  const char* name;
  figures (*run)();
  const char* what;
};
constexpr entry entries[] = {
    {"store", bench_store, "durable writes, latency, recovery, memory for each object"},
    {"api", bench_api, "CPU of the server for each operation over TLS, memory with 5,000 pods"},
    {"actors", bench_actors, "supervision: a pool of 100,000, kill and return, memory of a child; local letters"},
    {"sim", bench_sim, "simulated fleets of 100 to 5,000 nodes: start, an hour of life, memory (some minutes)"},
    {"link", bench_link, "letters over a link: throughput, round trip, delay, 1,000 links; beside CAF's own BASP"},
    {"twin", bench_twin, "Modbus devices: register to client, desired to device, 100 devices on one agent (root)"},
    {"agent", bench_agent, "memory and idle CPU of the edge agent, with 0 and 20 pods; size of the binary (root)"},
    {"pod", bench_pod, "create to Running; 20 at once; start of an agent without a cloud (root)"},
};

json::object machine() {
  utsname u{};
  ::uname(&u);
  auto memory = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  return {{"cores", ::sysconf(_SC_NPROCESSORS_ONLN)}, {"memory_bytes", memory}, {"kernel", u.release}};
}

void print_json(const char* name, const figures& all) {
  json::array list;
  for (const auto& f : all) {
    json::object o{{"metric", f.metric}, {"value", f.value}, {"unit", f.unit}, {"goal", nullptr}, {"ok", f.ok()}};
    if (f.goal) o["goal"] = *f.goal;
    list.push_back(std::move(o));
  }
  std::printf(
      "%s\n",
      json::serialize(json::object{{"bench", name}, {"machine", machine()}, {"figures", std::move(list)}}).c_str());
}

void print_table(const figures& all) {
  size_t width = 6;
  for (const auto& f : all) width = std::max(width, f.metric.size());
  for (const auto& f : all) {
    std::printf("%-*s %12.3f %-4s", static_cast<int>(width), f.metric.c_str(), f.value, f.unit.c_str());
    if (f.goal)
      std::printf("  goal %s %g: %s", f.direction == aim::at_most ? "<=" : ">=", *f.goal, f.ok() ? "met" : "missed");
    std::printf("\n");
  }
}

int usage(FILE* to) {
  std::fprintf(to, "Usage: skerry-bench NAME [--json]\n\n");
  for (const auto& e : entries) std::fprintf(to, "  %-6s %s\n", e.name, e.what);
  std::fprintf(to, "\nExample: skerry-bench store --json\n");
  return to == stdout ? 0 : 2;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  using namespace skerry::bench;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    if (argc > 1 && std::strcmp(argv[1], "link-helper") == 0) return link_helper({argv + 2, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "skerry-bench %s: %s\n", argv[1], error.what());
    return 1;
  }
  bool as_json = false;
  const char* name = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      as_json = true;
    } else if (std::strcmp(argv[i], "--help") == 0 || std::strcmp(argv[i], "-h") == 0) {
      return usage(stdout);
    } else if (name == nullptr) {
      name = argv[i];
    } else {
      return usage(stderr);
    }
  }
  if (name == nullptr) return usage(stderr);
  const auto* e =
      std::find_if(std::begin(entries), std::end(entries), [&](auto& x) { return std::strcmp(x.name, name) == 0; });
  if (e == std::end(entries)) {
    std::fprintf(stderr, "skerry-bench: no benchmark '%s'\n", name);
    return usage(stderr);
  }
  try {
    auto all = e->run();
    as_json ? print_json(e->name, all) : print_table(all);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "skerry-bench %s: %s\n", e->name, error.what());
    return 1;
  }
}
