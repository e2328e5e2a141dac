// What a scenario's file may say, and what the seed draws from it.
#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"
#include "sim/fleet/schedule.hpp"

using namespace skerry;
using namespace skerry::sim;

namespace {

caf::expected<scenario> read(const std::string& text) {
  std::string error;
  auto v = parse_json(text, error);
  BOOST_REQUIRE_MESSAGE(error.empty(), error);
  return read_scenario(v);
}

std::string refused(const std::string& text) {
  auto s = read(text);
  return s ? "it is accepted" : message_of(s.error());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scenarios)

BOOST_AUTO_TEST_CASE(durations_are_read_and_said) {
  BOOST_TEST(*parse_duration("90") == 90'000);
  BOOST_TEST(*parse_duration("250ms") == 250);
  BOOST_TEST(*parse_duration("1.5m") == 90'000);
  BOOST_TEST(*parse_duration("24h") == 86'400'000);
  BOOST_TEST(*parse_duration("7d") == 7 * 86'400'000LL);
  for (auto* wrong : {"", "m", "5 m", "5y", "-3s", "1e99d", "5ms5"}) BOOST_TEST(!parse_duration(wrong).has_value());
  BOOST_TEST(format_duration(200) == "0.2 s");
  BOOST_TEST(format_duration(3'900'000) == "1 h 5 min");
  BOOST_TEST(format_duration(61'000) == "1 min 1 s");
}

BOOST_AUTO_TEST_CASE(a_scenario_is_read) {
  auto s = read(R"({"name":"x","nodes":7,"podsPerNode":2,"regions":2,"duration":"2h","writesPerSecond":0.5,
    "faults":[{"kind":"partition","region":"r1","at":"1m","for":"5m","way":"up"},
              {"kind":"crash","cloud":true,"power":true,"at":"2m","for":"3s","every":"10m"},
              {"kind":"clocks","share":"50%","at":"1h","for":"1m","jump":"-1h"}],
    "changes":[{"kind":"scale","app":1,"at":"3m","factor":2}],
    "chaos":{"every":"1m","kinds":["partition"]}})");
  BOOST_REQUIRE(s);
  BOOST_TEST(s->nodes == 7u);
  BOOST_TEST(s->duration_ms == 7'200'000);
  BOOST_TEST((s->faults[0].up && !s->faults[0].down));
  BOOST_TEST((s->faults[1].who.cloud && s->faults[1].power));
  BOOST_TEST(s->faults[2].jump_ms == -3'600'000);
  BOOST_TEST(s->faults[2].who.share == 0.5);
  BOOST_TEST(s->changes[0].factor == 2);
  BOOST_TEST(s->chaos.kinds.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
  const std::pair<const char*, const char*> table[] = {
      {R"([])", "it is not an object"},
      {R"({"nods":5})", "nods is not known"},
      {R"({"nodes":0})", "at least one node"},
      {R"({"nodes":"many"})", "nodes is not a number"},
      {R"({"duration":"long"})", "duration is not a duration"},
      {R"({"faults":{}})", "faults is not a list"},
      {R"({"faults":[{"kind":"fire"}]})", "faults[0].kind is 'fire'; there are partition"},
      {R"({"faults":[{"kind":"crash","cloud":true,"share":0.5}]})", "faults[0] says twice"},
      {R"({"faults":[{"kind":"crash","share":1.5}]})", "faults[0].share is not a number"},
      {R"({"faults":[{"kind":"partition","way":"left"}]})", "faults[0].way is not up"},
      {R"({"faults":[{"kind":"partition","every":"1ms"}]})", "faults[0].every is less than a second"},
      {R"({"changes":[{"kind":"rollout","app":9}]})", "changes[0].app is not below"},
      {R"({"chaos":{"every":"1m","kinds":["fire"]}})", "chaos.kinds holds what is no kind"},
      {R"({"latencyMin":"5s","latencyMax":"1s"})", "latencyMax is below"},
  };
  for (auto& [text, says] : table)
    BOOST_TEST_CONTEXT(text) BOOST_TEST(refused(text).find(says) != std::string::npos, refused(text));
}

BOOST_AUTO_TEST_CASE(the_seed_draws_the_schedule) {
  scenario s;
  s.nodes = 30;
  s.regions = 3;
  s.chaos = {.every_ms = 20'000, .kinds = {fault_kind::partition, fault_kind::crash, fault_kind::clocks}};
  fault_rule cut;
  cut.who.region = "r1";
  cut.at_ms = 60'000;
  cut.for_ms = 10 * 3'600'000;
  s.faults = {cut};
  auto texts = [&](uint64_t seed) {
    std::string all;
    for (auto& f : draw_schedule(s, seed)) all += f.text() + "\n";
    return all;
  };
  BOOST_TEST(texts(1) == texts(1));
  BOOST_TEST(texts(1) != texts(2));
  int64_t last = 0;
  bool region = false;
  for (auto& f : draw_schedule(s, 5)) {
    BOOST_TEST(f.at_ms >= last);
    BOOST_TEST(f.end_ms() <= s.duration_ms);
    last = f.at_ms;
    if (f.at_ms == 60'000 && f.nodes.size() == 10) region = f.nodes[0] == 1 && f.nodes[1] == 4;
  }
  BOOST_TEST(region);
}

BOOST_AUTO_TEST_SUITE_END()
