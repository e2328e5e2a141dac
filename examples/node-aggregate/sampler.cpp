#include "sampler.hpp"

#include <cstdlib>

#include "actors/sdk/timer.hpp"
#include "samples.capnp.h"

namespace node_aggregate {
namespace {

using skerry::letter;
constexpr uint32_t period_ms = 200;
constexpr uint64_t readings_per_tally = 5;
constexpr const char* readings_key = "app/samples/readings";
constexpr const char* tallies_key = "app/samples/tallies";

uint64_t load_count(skerry::ports::kv& kv, const char* key) {
  auto v = kv.get(key);
  return v && *v ? std::strtoull((*v)->c_str(), nullptr, 10) : 0;
}

void sample(skerry::base::stateful<sampler_state>* self, const skerry::tools::app& app,
            const std::shared_ptr<skerry::sdk::timer>& timer) {
  auto& s = self->state;
  timer->arm(period_ms, [self, &app, timer] { sample(self, app, timer); });
  auto to = app.resolve("/cloud/app/aggregate");
  if (!to) return;
  double load = 0;
  getloadavg(&load, 1);
  if (++s.readings % readings_per_tally == 0) {
    ++s.tallies;
    self->send(to, letter<samples::Tally>::build([&](samples::Tally::Builder b) {
                 b.setNode(app.node);
                 b.setNumber(s.tallies);
               }));
  }
  // First the letter, then the count: if this process ends in between, the same number is sent again, and the aggregate
  // knows it. The other way round a number could be lost.
  skerry::ports::kv_batch counters;
  counters.put(readings_key, std::to_string(s.readings));
  counters.put(tallies_key, std::to_string(s.tallies));
  if (auto written = app.kv.write(counters, true); !written)
    app.island.ctx.log.error("sampler", skerry::message_of(written.error()));
  self->send(to, letter<samples::Reading>::build([&](samples::Reading::Builder b) {
               b.setNode(app.node);
               b.setNumber(s.readings);
               b.setLoad(load);
               b.setTallies(s.tallies);
             }));
}

}  // namespace

caf::behavior sampler(skerry::base::stateful<sampler_state>* self, const skerry::tools::app& app, std::string path) {
  skerry::base::prepare(self, app.island.ctx, std::move(path));
  self->state = {load_count(app.kv, readings_key), load_count(app.kv, tallies_key)};
  sample(self, app, std::make_shared<skerry::sdk::timer>(self));
  return skerry::sdk::with_wakes();
}

}  // namespace node_aggregate
