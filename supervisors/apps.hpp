#pragma once
#include "supervisors/supervisor.hpp"

namespace skerry::supervisors {

/// A part that others add to a tree: an actor or a supervisor.
struct app_child {
  std::string id;
  start_function start;  ///< called for each start
};

/// The child "app" of a root: a pool of such parts, at "<root>/app/<id>". One that ends in error is started again,
/// after growing pauses if that goes on, and never takes the rest of the tree with it.
child_spec apps_of(const services& island, const std::string& root, std::vector<app_child> apps);

}  // namespace skerry::supervisors
