#include "aggregate.hpp"

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "actors/link/mesh.hpp"
#include "samples.capnp.h"

namespace node_aggregate {
namespace {

using skerry::letter;
namespace json = skerry::json;
using actor = skerry::base::stateful<aggregate_state>;
constexpr std::string_view prefix = "app/aggregate/";
constexpr uint32_t publish_ms = 1000;
const skerry::sdk::key map_key{"configmaps", "default", "node-aggregate"};

void load(std::map<std::string, node_total>& nodes, skerry::ports::kv& kv) {
  kv.scan(prefix, std::string{prefix} + "\xff", [&](std::string_view key, std::string_view value) {
    node_total t;
    std::sscanf(std::string{value}.c_str(), "%lu %lu %lu", &t.tallies, &t.gaps, &t.repeats);
    nodes[std::string{key.substr(prefix.size())}] = t;
    return true;
  });
}

/// Counts one. The answer says that the count is on the disk; the link then forgets the letter.
caf::result<void> count(actor* self, const skerry::tools::app& app, const letter<samples::Tally>& tally) {
  std::string node{(*tally).getNode().cStr()};
  auto t = self->state.nodes[node];
  auto number = (*tally).getNumber();
  if (number <= t.tallies) {
    ++t.repeats;
  } else {
    if (number != t.tallies + 1) ++t.gaps;
    t.tallies = number;
  }
  skerry::ports::kv_batch batch;
  batch.put(std::string{prefix} + node,
            std::to_string(t.tallies) + " " + std::to_string(t.gaps) + " " + std::to_string(t.repeats));
  if (auto receipt = skerry::link::receipt_of(self)) receipt.stamp(batch);
  if (auto written = app.kv.write(batch, true); !written) throw std::runtime_error(skerry::message_of(written.error()));
  self->state.nodes[node] = t;
  return caf::unit;
}

void read(actor* self, const letter<samples::Reading>& r) {
  auto& t = self->state.nodes[std::string{(*r).getNode().cStr()}];
  t.sent = (*r).getTallies();
  t.number = (*r).getNumber();
  ++t.readings;
}

letter<samples::Totals> totals(const aggregate_state& s) {
  return letter<samples::Totals>::build([&](samples::Totals::Builder b) {
    auto out = b.initNodes(static_cast<unsigned>(s.nodes.size()));
    unsigned i = 0;
    for (const auto& [node, t] : s.nodes) {
      auto o = out[i++];
      o.setNode(node);
      o.setTallies(t.tallies);
      o.setSent(t.sent);
      o.setGaps(t.gaps);
      o.setReadings(t.readings);
      o.setNumber(t.number);
      o.setRepeats(t.repeats);
    }
  });
}

/// Brings the ConfigMap up to date, and comes again.
void publish(actor* self) {
  auto& s = self->state;
  s.timer->arm(publish_ms, [self] { publish(self); });
  s.pods->ask();
  json::object data;
  for (const auto& [pod, state] : s.pods->states()) data["pod." + pod] = state;
  for (const auto& [node, t] : s.nodes)
    data[node] = "tallies=" + std::to_string(t.tallies) + " sent=" + std::to_string(t.sent) +
                 " gaps=" + std::to_string(t.gaps) + " repeats=" + std::to_string(t.repeats) +
                 " reading=" + std::to_string(t.number) + " readings=" + std::to_string(t.readings);
  auto text = json::serialize(data);
  if (data.empty() || text == s.published) return;
  json::value patch = json::object{{"data", data}};
  s.objects->patch(
      map_key, skerry::sdk::patch_kind::merge, patch, [self, text, data](caf::expected<skerry::sdk::object> o) {
        if (o) {
          self->state.published = text;
          return;
        }
        if (skerry::code_of(o.error()) != skerry::errc::not_found) return;  // the next turn tries again
        json::value map = json::object{{"apiVersion", "v1"},
                                       {"kind", "ConfigMap"},
                                       {"metadata", json::object{{"name", map_key.name}, {"namespace", map_key.ns}}},
                                       {"data", data}};
        self->state.objects->create(map_key.resource, map, [](const caf::expected<skerry::sdk::object>&) {});
      });
}

}  // namespace

caf::behavior aggregate(actor* self, const skerry::tools::app& app, std::string path) {
  skerry::base::prepare(self, app.island.ctx, std::move(path));
  load(self->state.nodes, app.kv);
  self->state.objects = std::make_unique<skerry::sdk::objects>(self, app.resolve);
  self->state.timer = std::make_unique<skerry::sdk::timer>(self);
  self->state.pods = std::make_unique<pods>(self, app.island.ctx, app.resolve);
  self->state.pods->start();
  publish(self);
  return skerry::sdk::with_wakes({
      [self](const letter<samples::Reading>& r) { read(self, r); },
      [self, &app](const letter<samples::Tally>& t) { return count(self, app, t); },
      [self](const letter<samples::AskTotals>&) { return totals(self->state); },
  });
}

}  // namespace node_aggregate
