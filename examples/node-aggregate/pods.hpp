#pragma once
#include <map>
#include <set>
#include <string>

#include "actors/sdk/informer.hpp"

namespace node_aggregate {

/// Asks the actors of pods how they are, each at its path /node/<name>/pod/<uid>: what they say is what the node knows
/// now. Which pods there are, and on which nodes, an informer tells; those labelled sample=yes are asked. A part of an
/// actor's state, whose behavior has `with_wakes`.
class pods {
public:
  pods(caf::event_based_actor* self, const skerry::context& ctx, skerry::sdk::resolver resolve);

  /// Begins to follow the pods. Call once.
  void start();
  /// Asks all who owe no answer.
  void ask();
  /// What each said last, or why it says nothing, by "<namespace>.<name>": "Running", "suspended", ...
  const std::map<std::string, std::string>& states() const { return states_; }

private:
  void ask_one(const skerry::sdk::object& pod);

  caf::event_based_actor* self_;
  skerry::sdk::resolver resolve_;
  skerry::sdk::informer informer_;
  std::map<std::string, std::string> states_;
  std::set<std::string> asked_;  ///< those that owe an answer, by uid
};

}  // namespace node_aggregate
