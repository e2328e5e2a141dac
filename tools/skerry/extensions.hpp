#pragma once
#include <functional>
#include <string>
#include <vector>

#include "actors/link/mesh.hpp"
#include "actors/ports/kv.hpp"
#include "actors/sdk/objects.hpp"
#include "actors/store/view.hpp"
#include "schema/vocabulary.hpp"
#include "supervisors/apps.hpp"

/// How a program of others is all of skerry with parts of its own in the cloud, in the agents, or in both
/// (docs/sdk.md).
namespace skerry::tools {

/// What such parts are built from; outlives them.
struct app {
  const supervisors::services& island;  ///< context, directory, crash log of the process
  std::string path;                     ///< under which they stand: "/cloud/app" or "/node/<name>/app"
  std::string node;                     ///< the node's name; empty in the cloud
  link::mesh& mesh;
  sdk::resolver resolve;      ///< for sdk::objects and sdk::informer, and for any path
  ports::kv& kv;              ///< the island's own store, for keys that begin with "app/"; blocking
  const store::reader* view;  ///< in the cloud: all objects as they are now; null on a node
};

/// One part: an actor or a supervisor, at "<app.path>/<id>". It is restarted when it ends in error, after growing
/// pauses if that goes on: what it does to itself it does to nothing else.
using supervisors::app_child;

/// A resolver over this mesh, which outlives it.
sdk::resolver resolver_of(link::mesh& mesh);

struct extensions {
  /// Adds the messages that the parts send and take over links.
  std::function<void(vocabulary&)> messages;
  /// The parts of each kind of process; called once, before it starts. Either may be empty.
  std::function<std::vector<app_child>(const app&)> cloud, node;
};

/// What `main` of skerry does, with these parts in the processes that it runs: the same commands, flags and exit codes.
int run(int argc, char** argv, const extensions& with);

}  // namespace skerry::tools
