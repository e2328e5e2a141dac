#pragma once
#include <deque>
#include <map>
#include <set>

#include "actors/link/framing.hpp"
#include "actors/link/messages.hpp"
#include "actors/store/view.hpp"

namespace skerry::link {

/// An object that the edge holds, as the cloud knows it.
struct held_item {
  std::string uid;
  uint64_t revision = 0;
  uint64_t digest = 0;
};
using held_items = std::map<store::object_key, held_item>;

struct wanted_item {
  store::object object;
  uint64_t digest = 0;
};
using wanted_items = std::map<store::object_key, wanted_item>;

/// Changes on their way to an edge.
struct desired_change {
  uint64_t revision = 0;
  std::deque<std::pair<store::object_key, held_item>> drop;
  std::deque<wanted_item> put;
  bool empty() const { return drop.empty() && put.empty(); }
};

/// What turns `held` into `wanted`. An object whose uid changed is dropped and put; one whose digest is the same does
/// not cross. Pods are put last: what they refer to is there before them. Pure.
desired_change diff(const held_items& held, const wanted_items& wanted);

/// Takes objects off `change` for one frame of at most limits::chunk_bytes_max (one object at least); `last` is set in
/// the frame after which nothing is left.
frame next_desired_frame(desired_change& change);

/// The desired set of one node, from views: the pods bound to it, and the ConfigMaps and Secrets that those name;
/// the Devices placed on it and the DeviceModels that those name.
/// Parses a pod anew only when more of it than its status moved. Memory: a digest and the references of each object.
class desired_set {
public:
  explicit desired_set(std::string node) : node_(std::move(node)) {}

  /// What the node is to hold as of `v`. Objects are shared with the view.
  wanted_items compute(const store::view& v);
  /// ConfigMaps, Secrets and DeviceModels that the pods and devices of the last compute() name, there or not: changes
  /// of these concern the node.
  const std::set<store::object_key>& interest() const { return interest_; }

private:
  struct known {
    std::string uid;
    uint64_t revision = 0, digest = 0;
    std::vector<store::object_key> references;
  };
  const known& look(const store::object_key& key, const store::object& o, bool refers,
                    std::map<store::object_key, known>& next);

  std::string node_;
  std::map<store::object_key, known> known_;
  std::set<store::object_key> interest_;
};

}  // namespace skerry::link
