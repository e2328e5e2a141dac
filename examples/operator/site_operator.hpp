#pragma once
#include <memory>

#include "actors/base/context.hpp"
#include "actors/sdk/informer.hpp"
#include "actors/sdk/leader.hpp"
#include "actors/sdk/reconciler.hpp"

namespace site {

struct operator_args {
  const skerry::context& ctx;
  skerry::sdk::resolver resolve;
  std::string path;      ///< of this actor
  std::string identity;  ///< for the leader's lease: unlike that of any other replica
};

/// The operator's parts, each living in the actor's state.
struct operator_state {
  struct core;
  std::unique_ptr<core> parts;
  operator_state();
  ~operator_state();
};

/// Keeps a Deployment and a Service for each site (site.hpp) and writes what became of it into the ConfigMap's
/// annotation and events. Of several replicas the one that holds the lease default/site-operator works.
caf::behavior site_operator(skerry::base::stateful<operator_state>* self, operator_args args);

}  // namespace site
