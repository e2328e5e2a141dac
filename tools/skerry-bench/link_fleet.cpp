// One cloud and its fleet: many links, few letters each, and one link that reads nothing.
#include <atomic>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "schema/probe.capnp.h"
#include "tools/proxy/fault_proxy.hpp"
#include "tools/skerry-bench/child.hpp"
#include "tools/skerry-bench/link_island.hpp"
#include "tools/skerry-bench/link_mesh.hpp"

namespace skerry::bench {
namespace {

using steady = std::chrono::steady_clock;
constexpr size_t senders = 10;

uint64_t now_ns() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now().time_since_epoch()).count());
}

letter<schema::Probe> stamped(uint64_t number, unsigned bytes) {
  return letter<schema::Probe>::build([&](schema::Probe::Builder b) {
    b.setNumber(number);
    b.initBody(bytes);
  });
}

/// Counts of latencies in steps of 10 us, up to a second.
class histogram {
public:
  void add(uint64_t ns) { ++steps_[std::min<uint64_t>(ns / 10'000, steps_.size() - 1)]; }
  void clear() {
    for (auto& s : steps_) s = 0;
  }
  double quantile_ms(double q) const {
    uint64_t all = count(), seen = 0;
    for (size_t i = 0; i < steps_.size(); ++i)
      if ((seen += steps_[i]) > q * static_cast<double>(all)) return static_cast<double>(i + 1) / 100;
    return 0;
  }
  uint64_t count() const {
    uint64_t all = 0;
    for (auto& s : steps_) all += s;
    return all;
  }

private:
  std::vector<std::atomic<uint32_t>> steps_ = std::vector<std::atomic<uint32_t>>(100'000);
};

std::string path_of(int n) { return "/node/n" + std::to_string(n); }

}  // namespace

/// A process with all nodes; node 0 is joined through another port, for it is the one that reads nothing.
int fleet_helper(int links, const std::string& folder) {
  link_island island{"sharing", true, link_keys::load(folder)};
  histogram others;
  std::vector<link_node*> nodes;
  for (int n = 0; n < links; ++n) {
    auto& node = island.add(path_of(n), "/cloud");
    nodes.push_back(&node);
    auto measure = [&others, n](caf::event_based_actor*) -> caf::behavior {
      return {[&others, n](const letter<schema::Probe>& l) {
        if (auto sent = (*l).getNumber(); n != 0 && sent != 0) others.add(now_ns() - sent);
      }};
    };
    island.put(node, path_of(n) + "/sink", island.system().spawn(measure));
  }
  for (auto line = hear_parent(); !line.empty(); line = hear_parent()) {
    if (line.starts_with("join ")) {
      auto space = line.find(' ', 5);
      auto first = static_cast<uint16_t>(std::stoi(line.substr(5, space))),
           rest = static_cast<uint16_t>(std::stoi(line.substr(space)));
      for (int n = 0; n < links; ++n) island.join(*nodes[static_cast<size_t>(n)], n == 0 ? first : rest);
      tell_parent("joined " + std::to_string(links));
    } else if (line == "clear") {
      others.clear();
      tell_parent("cleared 1");
    } else {
      tell_parent("p50 " + std::to_string(others.quantile_ms(0.5)) + " p99 " +
                  std::to_string(others.quantile_ms(0.99)) + " count " + std::to_string(others.count()));
    }
  }
  return 0;
}

namespace {

/// Sends to its share of the fleet each time it is told.
caf::behavior fan(caf::event_based_actor*, std::vector<caf::actor> to) {
  return {[to = std::move(to)](caf::unit_t) {
    for (const auto& a : to) caf::anon_send(a, stamped(now_ns(), 64));
  }};
}

/// Tells each fan in turn, so that each of the fleet gets so many letters a second, evenly spread.
void pace(const std::vector<caf::actor>& fans, int letters_per_second, int seconds) {
  auto step = std::chrono::nanoseconds{1'000'000'000 / (letters_per_second * static_cast<int>(fans.size()))};
  auto next = steady::now();
  auto turns = static_cast<size_t>(letters_per_second * seconds) * fans.size();
  for (size_t i = 0; i < turns; ++i, next += step) {
    std::this_thread::sleep_until(next);
    caf::anon_send(fans[i % fans.size()], caf::unit);
  }
}

}  // namespace

fleet_figures measure_fleet(int links, int letters_per_second, int seconds) {
  link_folder folder;
  auto keys = link_keys::make();
  keys.save(folder.path);
  link_island island{"sharing", true, keys};
  auto& cloud = island.add("/cloud", {});
  auto port = island.listen(cloud);
  sim::fault_plan plan;
  plan.down.unread_after = 64 * 1024;
  tools::fault_proxy line{port, [plan] { return plan; }};
  child fleet{{"link-helper", "fleet", std::to_string(links), folder.path}};
  fleet.say("join " + std::to_string(line.port()) + " " + std::to_string(port));
  fleet.figures(120'000);

  std::vector<caf::actor> fans;
  for (size_t s = 0; s < senders; ++s) {
    std::vector<caf::actor> to;
    for (int n = static_cast<int>(s) + 1; n < links; n += senders)
      to.push_back(link_island::handle(cloud, path_of(n) + "/sink"));
    fans.push_back(island.put(cloud, "/cloud/fan" + std::to_string(s), island.system().spawn(fan, std::move(to))));
  }
  auto measure = [&] {
    pace(fans, letters_per_second, 1);
    fleet.say("clear");
    fleet.figures(10'000);
    pace(fans, letters_per_second, seconds);
    fleet.say("figures");
    return fleet.figures(10'000);
  };
  fleet_figures out;
  auto quiet = measure();
  out.p50_ms = quiet["p50"];
  out.p99_ms = quiet["p99"];
  out.per_second = quiet["count"] / seconds;

  // The stalled one: fill its window, its queue and the kernel's buffers, and keep them full.
  auto stalled = link_island::handle(cloud, path_of(0) + "/sink");
  std::atomic<bool> stop{false};
  std::thread flood{[&] {
    while (!stop) {
      for (int i = 0; i < 100; ++i) caf::anon_send(stalled, stamped(0, 1'000));
      std::this_thread::sleep_for(std::chrono::milliseconds{stop ? 0 : 100});
    }
  }};
  for (int i = 0; i < 20'000; ++i) caf::anon_send(stalled, stamped(0, 1'000));
  auto loaded = measure();
  stop = true;
  flood.join();
  out.stalled_p50_ms = loaded["p50"];
  out.stalled_p99_ms = loaded["p99"];
  return out;
}

}  // namespace skerry::bench
