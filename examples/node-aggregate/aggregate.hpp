#pragma once
#include <map>
#include <memory>

#include "actors/base/context.hpp"
#include "actors/sdk/objects.hpp"
#include "actors/sdk/timer.hpp"
#include "pods.hpp"
#include "tools/skerry/extensions.hpp"

namespace node_aggregate {

/// What is known of one node.
struct node_total {
  uint64_t tallies = 0, gaps = 0, repeats = 0;  ///< durable: in the cloud's store
  uint64_t sent = 0, readings = 0, number = 0;  ///< as of the last reading
};

struct aggregate_state {
  std::map<std::string, node_total> nodes;
  std::unique_ptr<skerry::sdk::objects> objects;
  std::unique_ptr<skerry::sdk::timer> timer;
  std::unique_ptr<node_aggregate::pods> pods;
  std::string published;
};

/// In the cloud, at /cloud/app/aggregate: adds up what the samplers of all nodes say. What it counted is in the cloud's
/// store, written together with the fact that the letter was handled, so that each Tally counts once through any crash.
/// Publishes the ConfigMap default/node-aggregate once a second when something changed, with what the actors of pods on
/// those nodes say of themselves (pods.hpp); answers AskTotals.
caf::behavior aggregate(skerry::base::stateful<aggregate_state>* self, const skerry::tools::app& app, std::string path);

}  // namespace node_aggregate
