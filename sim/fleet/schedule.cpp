#include "sim/fleet/schedule.hpp"

#include <algorithm>
#include <numeric>

#include "sim/ports/seeded_random.hpp"

namespace skerry::sim {
namespace {

constexpr size_t faults_max = 100'000;

std::vector<uint32_t> draw_nodes(const scenario& s, uint32_t count, seeded_random& chance) {
  std::vector<uint32_t> all(s.nodes);
  std::iota(all.begin(), all.end(), 0u);
  count = std::min(count, s.nodes);
  for (uint32_t i = 0; i < count; ++i) std::swap(all[i], all[i + chance.below(s.nodes - i)]);
  all.resize(count);
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<uint32_t> select(const scenario& s, const selection& who, seeded_random& chance) {
  if (who.cloud) return {};
  if (!who.region.empty()) {
    std::vector<uint32_t> out;
    for (uint32_t i = 0; i < s.nodes; ++i)
      if ("r" + std::to_string(region_of(s, i)) == who.region) out.push_back(i);
    return out;
  }
  if (who.share > 0) return draw_nodes(s, std::max(1u, static_cast<uint32_t>(who.share * s.nodes + 0.5)), chance);
  return draw_nodes(s, who.count > 0 ? who.count : s.nodes, chance);
}

void add(std::vector<fault>& all, const scenario& s, fault f) {
  if (f.at_ms >= s.duration_ms || all.size() >= faults_max) return;
  f.for_ms = std::min(f.for_ms, s.duration_ms - f.at_ms);
  all.push_back(std::move(f));
}

void draw_rule(std::vector<fault>& all, const scenario& s, const fault_rule& r, seeded_random& chance) {
  auto until = r.every_ms == 0 ? r.at_ms + 1 : r.until_ms > 0 ? r.until_ms : s.duration_ms;
  for (auto at = r.at_ms; at < until; at += std::max<int64_t>(r.every_ms, 1)) {
    fault f;
    f.kind = r.kind;
    f.at_ms = at;
    f.for_ms = r.for_ms;
    f.cloud = r.who.cloud;
    f.nodes = select(s, r.who, chance);
    f.up = r.up;
    f.down = r.down;
    f.power = r.power;
    f.jump_ms = r.jump_ms;
    f.latency_ms = r.latency_ms;
    add(all, s, std::move(f));
  }
}

fault draw_one(const scenario& s, int64_t at_ms, seeded_random& chance) {
  fault f;
  f.kind = s.chaos.kinds[chance.below(s.chaos.kinds.size())];
  f.at_ms = at_ms;
  // As likely from one to ten seconds as from ten to a hundred.
  auto most = s.chaos.for_ms_max;
  while (most > 1'000 && chance.below(2) == 0) most = std::max<int64_t>(most / 4, 1'000);
  f.for_ms = chance.between(1, most);
  f.cloud = f.kind == fault_kind::crash && chance.below(4) == 0;
  f.power = chance.below(2) == 0;
  if (chance.below(4) == 0) (chance.below(2) == 0 ? f.up : f.down) = false;
  auto most_nodes = std::max(1u, static_cast<uint32_t>(s.chaos.share_max * s.nodes));
  if (!f.cloud) f.nodes = draw_nodes(s, 1 + static_cast<uint32_t>(chance.below(most_nodes)), chance);
  if (f.kind == fault_kind::clocks) f.jump_ms = chance.between(-3'600'000, 3'600'000);
  if (f.kind == fault_kind::delays) f.latency_ms = chance.between(100, 3'000);
  return f;
}

}  // namespace

std::string fault::text() const {
  std::string out{name_of(kind)};
  if (kind == fault_kind::crash && power) out = "power cut";
  if (kind == fault_kind::partition && !(up && down)) out += up ? " (up)" : " (down)";
  if (cloud)
    out += " of the cloud";
  else if (kind != fault_kind::reconnect && kind != fault_kind::registry && kind != fault_kind::delays) {
    out += " of " + std::to_string(nodes.size()) + (nodes.size() == 1 ? " node (" : " nodes (");
    for (size_t i = 0; i < nodes.size() && i < 3; ++i) out += (i == 0 ? "n" : ", n") + std::to_string(nodes[i]);
    out += nodes.size() > 3 ? ", ...)" : ")";
  }
  if (kind == fault_kind::clocks)
    out += " by " + std::string{jump_ms < 0 ? "-" : ""} + format_duration(std::abs(jump_ms));
  if (kind == fault_kind::delays) out += " of " + format_duration(latency_ms);
  out += " at " + format_duration(at_ms);
  if (kind != fault_kind::reconnect && kind != fault_kind::clocks) out += " for " + format_duration(for_ms);
  return out;
}

std::vector<fault> draw_schedule(const scenario& s, uint64_t seed) {
  seeded_random chance{seed * 0x9E3779B97F4A7C15ULL + 1};
  std::vector<fault> all;
  for (auto& r : s.faults) draw_rule(all, s, r, chance);
  if (s.chaos.every_ms > 0)
    for (int64_t at = chance.between(0, 2 * s.chaos.every_ms); at < s.duration_ms;
         at += chance.between(1, 2 * s.chaos.every_ms))
      add(all, s, draw_one(s, at, chance));
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.at_ms < b.at_ms; });
  for (size_t i = 0; i < all.size(); ++i) all[i].number = static_cast<uint32_t>(i);
  return all;
}

}  // namespace skerry::sim
