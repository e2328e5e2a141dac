#include "tools/skerry-bench/link_mesh.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "schema/probe.capnp.h"
#include "tools/proxy/fault_proxy.hpp"
#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/child.hpp"
#include "tools/skerry-bench/link_island.hpp"
#include "tools/skerry-bench/link_load.hpp"

namespace skerry::bench {
namespace {

/// Letters of 104 bytes as they cross: 40 of Cap'n Proto's frame and the number, 64 of filler.
template <class T>
struct letter_codec {
  using message = letter<T>;
  using told = letter<schema::Probe>;
  message make(uint64_t number) const { return build<T>(number); }
  told tell(uint64_t number) const { return build<schema::Probe>(number); }
  template <class U>
  uint64_t number(const letter<U>& m) const {
    return (*m).getNumber();
  }

private:
  template <class U>
  static letter<U> build(uint64_t number) {
    return letter<U>::build([&](typename U::Builder b) {
      b.setNumber(number);
      b.initBody(64);
    });
  }
};
using fleeting = letter_codec<schema::Probe>;
using durable = letter_codec<schema::ProbeFact>;

constexpr uint64_t fleeting_letters = 1'000 * load::tell_each;
constexpr uint64_t durable_letters = 400 * load::tell_each;
constexpr uint64_t far_letters = 100 * load::tell_each;
constexpr uint64_t requests = 10'000;

}  // namespace

link_folder::link_folder() {
  const char* chosen = std::getenv("SKERRY_BENCH_DIR");
  auto pattern = std::string{chosen != nullptr ? chosen : "/var/tmp"} + "/skerry-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make " + pattern};
  path = pattern;
}
link_folder::~link_folder() {
  std::error_code ec;
  std::filesystem::remove_all(path, ec);
}

namespace {

int cloud_helper(const std::string& policy, bool tls, const std::string& folder) {
  link_island island{policy, tls, link_keys::load(folder)};
  auto& cloud = island.add("/cloud", {}, folder + "/cloud");
  auto& s = island.system();
  island.put(cloud, "/cloud/sink", s.spawn(load::sink<fleeting>, fleeting{}));
  island.put(cloud, "/cloud/facts", s.spawn(load::sink<durable>, durable{}));
  island.put(cloud, "/cloud/echo", s.spawn(load::echo<fleeting>, fleeting{}));
  tell_parent("port " + std::to_string(island.listen(cloud)));
  hear_parent();
  return 0;
}

}  // namespace

mesh_figures measure_mesh(const std::string& policy, bool tls, bool with_durable) {
  link_folder folder;
  auto keys = link_keys::make();
  keys.save(folder.path);
  child cloud{{"link-helper", "cloud", policy, tls ? "tls" : "plain", folder.path}};
  link_island island{policy, tls, keys};
  auto& node = island.add("/node/bench", "/cloud", folder.path + "/node");
  island.join(node, static_cast<uint16_t>(cloud.figures(10'000)["port"]));
  auto& s = island.system();
  auto to = [&](const char* path) { return link_island::handle(node, path); };
  load::run(s, fleeting{}, to("/cloud/sink"), load::flood{50 * load::tell_each}, 60);
  load::run(s, fleeting{}, to("/cloud/echo"), load::ping_pong{requests / 5}, 60);
  mesh_figures out;
  auto all = load::run(s, fleeting{}, to("/cloud/sink"), load::flood{fleeting_letters}, 60);
  out.fleeting_per_second = fleeting_letters / all.seconds;
  auto trips = load::run(s, fleeting{}, to("/cloud/echo"), load::ping_pong{requests}, 60);
  out.round_trip_us = quantile(trips.each_us, 0.5);
  if (!with_durable) return out;
  load::run(s, durable{}, to("/cloud/facts"), load::flood{20 * load::tell_each}, 60);
  all = load::run(s, durable{}, to("/cloud/facts"), load::flood{durable_letters}, 60);
  out.durable_per_second = durable_letters / all.seconds;
  return out;
}

double measure_durable_far(uint32_t delay_ms) {
  link_folder folder;
  auto keys = link_keys::make();
  keys.save(folder.path);
  child cloud{{"link-helper", "cloud", "sharing", "tls", folder.path}};
  sim::fault_plan plan;
  plan.up.delay_ms = plan.down.delay_ms = delay_ms;
  tools::fault_proxy line{static_cast<uint16_t>(cloud.figures(10'000)["port"]), [plan] { return plan; }};
  link_island island{"sharing", true, keys};
  auto& node = island.add("/node/bench", "/cloud", folder.path + "/node");
  island.join(node, line.port());
  auto facts = link_island::handle(node, "/cloud/facts");
  load::run(island.system(), durable{}, facts, load::flood{10 * load::tell_each}, 60);
  return far_letters / load::run(island.system(), durable{}, facts, load::flood{far_letters}, 120).seconds;
}

int mesh_helper(const std::vector<std::string>& a) {
  if (a.size() == 4 && a[0] == "cloud") return cloud_helper(a[1], a[2] == "tls", a[3]);
  if (a.size() == 3 && a[0] == "fleet") return fleet_helper(std::stoi(a[1]), a[2]);
  if (a.size() == 4 && a[0] == "once") {
    auto f = measure_mesh(a[1], a[2] == "tls", a[3] == "durable");
    tell_parent("fleeting/s " + std::to_string(f.fleeting_per_second) + " durable/s " +
                std::to_string(f.durable_per_second) + " round trip us " + std::to_string(f.round_trip_us));
    return 0;
  }
  if (a.size() == 4 && a[0] == "many") {
    auto f = measure_fleet(std::stoi(a[1]), std::stoi(a[2]), std::stoi(a[3]));
    tell_parent("p50 " + std::to_string(f.p50_ms) + " p99 " + std::to_string(f.p99_ms) + " stalled p50 " +
                std::to_string(f.stalled_p50_ms) + " p99 " + std::to_string(f.stalled_p99_ms) + " arrived/s " +
                std::to_string(f.per_second));
    return 0;
  }
  throw std::runtime_error("no such helper");
}

}  // namespace skerry::bench
