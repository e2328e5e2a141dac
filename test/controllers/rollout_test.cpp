#include "actors/controllers/rollout.hpp"

#include <map>

#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;

BOOST_AUTO_TEST_SUITE(rollout)

namespace {
replicaset_size sized(std::string name, int64_t spec, int64_t available, int64_t made = 1,
                      std::optional<int64_t> pods = {}) {
  replicaset_size s;
  s.name = std::move(name);
  s.created_ms = made;
  s.spec = spec;
  s.pods = pods.value_or(spec);
  s.available = available;
  return s;
}
rollout_limits limits(int64_t replicas, int64_t surge, int64_t unavailable) { return {replicas, surge, unavailable}; }
std::map<size_t, int64_t> as_map(const std::vector<resize>& steps) {
  std::map<size_t, int64_t> out;
  for (const auto& s : steps) out[s.index] = s.replicas;
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(bounds_round_as_kubernetes) {
  struct row {
    const char* rolling;
    int64_t replicas, surge, unavailable;
  };
  for (const auto& r :
       {row{R"({"maxSurge":"25%","maxUnavailable":"25%"})", 10, 3, 2},
        row{R"({"maxSurge":"25%","maxUnavailable":"25%"})", 1, 1, 0},
        row{R"({"maxSurge":0,"maxUnavailable":"25%"})", 2, 0, 1}, row{R"({"maxSurge":2,"maxUnavailable":5})", 3, 2, 3},
        row{R"({"maxSurge":"0%","maxUnavailable":"0%"})", 4, 0, 1},
        row{R"({"maxSurge":"100%","maxUnavailable":0})", 4, 4, 0}, row{R"({})", 8, 2, 2},
        row{R"({"maxSurge":1,"maxUnavailable":1})", 0, 1, 0}}) {
    json::value d =
        json::object{{"spec", json::object{{"replicas", r.replicas},
                                           {"strategy", json::object{{"type", "RollingUpdate"},
                                                                     {"rollingUpdate", test::parsed(r.rolling)}}}}}};
    auto l = limits_of(d);
    BOOST_TEST(l.max_surge == r.surge, r.rolling << " of " << r.replicas);
    BOOST_TEST(l.max_unavailable == r.unavailable, r.rolling << " of " << r.replicas);
  }
}

BOOST_AUTO_TEST_CASE(rolling_steps) {
  using sizes = std::vector<replicaset_size>;
  using steps = std::map<size_t, int64_t>;
  struct row {
    const char* what;
    sizes sets;
    rollout_limits l;
    steps expected;
  };
  const std::vector<row> rows{
      {"surge first", {sized("new", 0, 0), sized("old", 10, 10)}, limits(10, 3, 2), {{0, 3}}},
      {"then as many old ones as may be missing",
       {sized("new", 3, 0), sized("old", 10, 10)},
       limits(10, 3, 2),
       {{1, 8}}},
      {"no further before new ones serve", {sized("new", 5, 0), sized("old", 8, 8)}, limits(10, 3, 2), {}},
      {"new ones that serve let old ones go", {sized("new", 5, 3), sized("old", 8, 8)}, limits(10, 3, 2), {{1, 5}}},
      {"without surge old ones go first", {sized("new", 0, 0), sized("old", 4, 4)}, limits(4, 0, 1), {{1, 3}}},
      {"the unhealthy go before the healthy",
       {sized("new", 2, 2), sized("a", 4, 4, 1), sized("b", 4, 0, 2)},
       limits(8, 2, 2),
       {{2, 0}}},
      {"unhealthy ones go only as far as those that remain would do",
       {sized("new", 1, 0), sized("old", 3, 0)},
       limits(3, 1, 0),
       {}},
      {"the oldest goes first",
       {sized("new", 4, 4), sized("b", 3, 3, 2), sized("a", 3, 3, 1)},
       limits(8, 2, 0),
       {{2, 1}}},
      {"pods beyond the spec count against the surge",
       {sized("new", 0, 0), sized("old", 2, 4, 1, 4)},
       limits(4, 0, 2),
       {}},
      {"too large a new set comes down at once", {sized("new", 9, 9), sized("old", 1, 1)}, limits(5, 1, 1), {{0, 5}}},
      {"done", {sized("new", 5, 5), sized("old", 0, 0)}, limits(5, 1, 1), {}},
      {"zero replicas", {sized("new", 0, 0), sized("old", 5, 5)}, limits(0, 1, 0), {{1, 0}}},
  };
  for (const auto& r : rows) BOOST_TEST((as_map(rolling_step(r.sets, r.l)) == r.expected), r.what);
}

BOOST_AUTO_TEST_CASE(proportional_scaling_keeps_the_ratio) {
  auto set = [](std::string name, int64_t spec, int64_t made, int64_t max) {
    auto s = sized(std::move(name), spec, spec, made);
    s.max_before = max;
    return s;
  };
  // 10 replicas in the middle of a rollout with surge 3, then 15 (Kubernetes' documentation, "Proportional scaling").
  std::vector<replicaset_size> sets{set("old", 8, 1, 13), set("new", 5, 2, 13)};
  auto l = limits(15, 3, 2);
  auto up = as_map(proportional_step(sets, 1, l, 13));
  BOOST_TEST(up[0] == 11);
  BOOST_TEST(up[1] == 7);
  sets = {set("old", 11, 1, 18), set("new", 7, 2, 18)};
  auto down = as_map(proportional_step(sets, 1, limits(5, 2, 1), 18));
  BOOST_TEST(down[0] + down[1] == 7);
  BOOST_TEST(down[0] >= 4);
  auto none = as_map(proportional_step(sets, 1, limits(0, 0, 0), 18));
  BOOST_TEST(none[0] == 0);
  BOOST_TEST(none[1] == 0);
}

BOOST_AUTO_TEST_SUITE_END()
