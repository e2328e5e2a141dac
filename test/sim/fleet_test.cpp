// Whole runs: the same seed is the same run, what once failed passes, and every invariant is shown to find a bug.
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "sim/load/plants.hpp"
#include "test/store/scratch.hpp"
#include "tools/skerry-sim/commands.hpp"

using namespace skerry;

namespace {

tools::recipe recipe_of(const std::string& scenario, uint64_t seed, const std::string& plant = {}) {
  tools::sim_options o;
  o.what = scenario;
  o.seed = seed;
  o.plant = plant;
  auto r = tools::read_recipe(o);
  BOOST_REQUIRE_MESSAGE(r, test::why(r));
  return *r;
}

sim::outcome played(const tools::recipe& r) { return tools::play(r, true, false).out; }

}  // namespace

BOOST_AUTO_TEST_SUITE(fleets)

BOOST_AUTO_TEST_CASE(the_same_seed_is_the_same_run) {
  auto r = recipe_of("chaos", 20261125);
  r.plan.duration_ms = 10 * 60'000;
  auto first = played(r), second = played(r);
  BOOST_TEST_CONTEXT(first.why) BOOST_TEST(first.ok);
  BOOST_TEST(first.events > 50'000u);
  BOOST_TEST(first.events == second.events);
  BOOST_TEST(first.trace == second.trace);
  ++r.seed;
  BOOST_TEST(played(r).trace != first.trace);
}

BOOST_AUTO_TEST_CASE(a_larger_fleet_is_the_same_run_too) {
  auto r = recipe_of("herd", 3);
  r.plan.nodes = 200;
  r.plan.duration_ms = 6 * 60'000;
  auto first = played(r), second = played(r);
  BOOST_TEST_CONTEXT(first.why) BOOST_TEST(first.ok);
  BOOST_TEST(first.trace == second.trace);
}

BOOST_AUTO_TEST_CASE(every_scenario_that_comes_along_is_read) {
  auto all = tools::known_scenarios();
  BOOST_TEST(all.size() >= 10u);
  for (auto& [name, about] : all) {
    auto r = recipe_of(name, 1);
    BOOST_TEST(r.plan.name == name);
    BOOST_TEST(!about.empty());
  }
}

BOOST_AUTO_TEST_CASE(what_once_failed_passes) {
  size_t n = 0;
  for (auto& e : std::filesystem::directory_iterator{SKERRY_SOURCE_DIR "/test/seeds"}) {
    if (e.path().extension() != ".yaml") continue;
    BOOST_TEST_CONTEXT(e.path()) {
      auto r = tools::read_seed_file(e.path());
      BOOST_REQUIRE_MESSAGE(r, test::why(r));
      auto out = played(*r);
      BOOST_TEST(out.ok, out.broke << ": " << out.why);
      ++n;
    }
  }
  BOOST_TEST(n > 0u);
}

/// The scenario and the seed with which each planted bug is found.
BOOST_AUTO_TEST_CASE(every_invariant_finds_the_bug_that_it_is_for) {
  const std::map<std::string, std::pair<const char*, uint64_t>> where{
      {sim::planted::lying_disk, {"chaos", 2}},      {sim::planted::forgotten_receipt, {"letters", 3}},
      {sim::planted::older_state, {"steady", 1}},    {sim::planted::stopped_pod, {"chaos", 1}},
      {sim::planted::second_instance, {"chaos", 2}}, {sim::planted::stranger, {"steady", 2}},
      {sim::planted::repeated_event, {"chaos", 1}},  {sim::planted::dropped_event, {"chaos", 1}},
      {sim::planted::crashing_actor, {"chaos", 1}},  {sim::planted::endless_queue, {"chaos", 1}}};
  std::set<std::string> shown;
  for (auto& bug : sim::planted_bugs()) {
    BOOST_TEST_CONTEXT(bug.name) {
      auto at = where.find(bug.name);
      BOOST_REQUIRE(at != where.end());
      auto [scenario, seed] = at->second;
      auto out = played(recipe_of(scenario, seed, bug.name));
      BOOST_TEST(!out.ok);
      BOOST_TEST(out.broke == bug.found_by, out.broke << ": " << out.why);
      shown.insert(bug.found_by);
    }
  }
  for (auto& i : sim::all_invariants()) BOOST_TEST(shown.contains(std::string{i->name()}), i->name());
}

BOOST_AUTO_TEST_SUITE_END()
