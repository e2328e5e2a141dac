#include "actors/controllers/rollout.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "schema/kube/quantity.hpp"

namespace skerry::controllers {

namespace {

int64_t scaled(const json::value& deployment, std::string_view path, int64_t total, bool round_up) {
  const auto* v = find(deployment, path);
  auto n = v != nullptr ? kube::int_or_percent(*v, total, round_up)
                        : kube::int_or_percent(json::value("25%"), total, round_up);
  return std::max<int64_t>(0, n.value_or(0));
}

int64_t total_size(const std::vector<replicaset_size>& sets) {
  return std::accumulate(sets.begin(), sets.end(), int64_t{0}, [](int64_t n, const auto& s) { return n + s.size(); });
}

std::vector<size_t> oldest_first(const std::vector<replicaset_size>& sets, size_t from) {
  std::vector<size_t> order;
  for (size_t i = from; i < sets.size(); ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(sets[a].created_ms, sets[a].name) < std::tie(sets[b].created_ms, sets[b].name);
  });
  return order;
}

/// How much of `to_add` this set takes (deploymentutil.GetReplicaSetProportion).
int64_t proportion(const replicaset_size& s, const rollout_limits& limits, int64_t status_replicas, int64_t to_add,
                   int64_t added) {
  if (s.spec == 0 || to_add == 0 || to_add == added) return 0;
  int64_t fraction = -s.spec;
  if (limits.replicas != 0) {
    auto before = s.max_before.value_or(status_replicas);
    if (before <= 0) before = limits.total_max();
    auto size = static_cast<double>(s.spec) * static_cast<double>(limits.total_max()) / static_cast<double>(before);
    fraction = static_cast<int64_t>(std::llround(size)) - s.spec;
  }
  auto allowed = to_add - added;
  return to_add > 0 ? std::min(fraction, allowed) : std::max(fraction, allowed);
}

}  // namespace

rollout_limits limits_of(const json::value& deployment) {
  rollout_limits l;
  l.replicas = std::max<int64_t>(0, int_at(deployment, "spec.replicas", 1));
  if (string_at(deployment, "spec.strategy.type", "RollingUpdate") != "RollingUpdate") return l;
  l.max_surge = scaled(deployment, "spec.strategy.rollingUpdate.maxSurge", l.replicas, true);
  l.max_unavailable = scaled(deployment, "spec.strategy.rollingUpdate.maxUnavailable", l.replicas, false);
  if (l.max_surge == 0 && l.max_unavailable == 0) l.max_unavailable = 1;
  l.max_unavailable = std::min(l.max_unavailable, l.replicas);
  return l;
}

std::vector<resize> rolling_step(const std::vector<replicaset_size>& sets, const rollout_limits& limits) {
  const auto& newest = sets.at(0);
  if (newest.spec > limits.replicas) return {{0, limits.replicas}};
  auto total = total_size(sets);
  if (newest.spec < limits.replicas && total < limits.total_max()) {
    auto up = std::min(limits.total_max() - total, limits.replicas - newest.spec);
    return {{0, newest.spec + up}};
  }
  std::vector<resize> out;
  // Two bounds, for a set's status may lag: of those known to serve as many must stay as are needed, and even if all
  // old pods served, those that remain with the serving new ones must be enough (k8s: maxScaledDown).
  auto spare = -limits.available_min();
  auto budget = newest.serving() - limits.available_min();
  for (const auto& s : sets) spare += s.serving();
  for (size_t i = 1; i < sets.size(); ++i) budget += sets[i].spec;
  auto order = oldest_first(sets, 1);
  std::vector<int64_t> down(sets.size(), 0);
  for (auto i : order) {
    auto unhealthy = std::min(sets[i].spec - sets[i].serving(), std::max<int64_t>(0, budget));
    down[i] += unhealthy;
    budget -= unhealthy;
  }
  for (auto i : order) {
    auto healthy = std::min({sets[i].serving(), std::max<int64_t>(0, budget), std::max<int64_t>(0, spare)});
    down[i] += healthy;
    budget -= healthy;
    spare -= healthy;
  }
  for (auto i : order)
    if (down[i] > 0) out.push_back({i, sets[i].spec - down[i]});
  return out;
}

std::vector<resize> proportional_step(const std::vector<replicaset_size>& sets, std::optional<size_t> newest,
                                      const rollout_limits& limits, int64_t status_replicas) {
  std::vector<size_t> active;
  for (size_t i = 0; i < sets.size(); ++i)
    if (sets[i].spec > 0) active.push_back(i);
  int64_t sum = 0;
  for (auto i : active) sum += sets[i].spec;
  auto to_add = limits.total_max() - sum;
  // Growing: the newer of equals first; shrinking: the older.
  std::sort(active.begin(), active.end(), [&](size_t a, size_t b) {
    if (sets[a].spec != sets[b].spec) return sets[a].spec > sets[b].spec;
    if (sets[a].created_ms != sets[b].created_ms)
      return to_add > 0 ? sets[a].created_ms > sets[b].created_ms : sets[a].created_ms < sets[b].created_ms;
    return (newest == a) == (to_add > 0) && newest != b;
  });
  std::vector<resize> out;
  int64_t added = 0;
  for (auto i : active) {
    auto part = proportion(sets[i], limits, status_replicas, to_add, added);
    added += part;
    out.push_back({i, sets[i].spec + part});
  }
  if (!out.empty() && to_add != 0) out[0].replicas = std::max<int64_t>(0, out[0].replicas + to_add - added);
  return out;
}

}  // namespace skerry::controllers
