#pragma once
#include <caf/actor_system.hpp>
#include <functional>
#include <map>
#include <string>

#include "actors/link/link_client.hpp"
#include "actors/link/mesh.hpp"
#include "actors/ports/device.hpp"
#include "actors/ports/files.hpp"
#include "actors/ports/machine.hpp"
#include "actors/ports/prober.hpp"
#include "actors/ports/runtime.hpp"
#include "supervisors/apps.hpp"
#include "supervisors/inspector.hpp"

namespace skerry::supervisors {

/// What the tree of an edge node is built from. Built by main (or a simulated world); outlives all actors.
struct edge_tree_parts {
  const services& island;
  std::string node, version;
  std::map<std::string, std::string> labels;
  std::string pods_directory;
  ports::kv& kv;
  ports::runtime& runtime;
  ports::files& files;
  ports::prober& prober;
  ports::machine& machine;
  ports::transport& transport;
  ports::pki& pki;
  std::string server;  ///< "https://host:port"
  ports::client_credentials
      credentials;  ///< as they are now: on_renewed may change them for the next start of the link
  std::function<caf::expected<void>(const ports::client_credentials&)> on_renewed;
  std::vector<ports::device_driver*> device_drivers{};  ///< one for each protocol; none: no devices here
  std::vector<app_child> apps{};                        ///< parts of others, under /node/<name>/app
  bool threads = true;                     ///< what blocks on the disk gets a thread of its own; false in the simulator
  link::mesh* mesh = nullptr;              ///< letters to and from the cloud; null: none
  const inspector_parts* admin = nullptr;  ///< answers operators; null: nobody does
};

/// Starts the tree at /node/<name>: the pool of the pods, the agent, the link, the twins of devices and their host. The
/// agent comes before the link: pods run whether or not there is a cloud. Returns the root supervisor; `parent` gets
/// base::ready when all of it runs.
caf::actor start_edge_tree(caf::actor_system& system, const edge_tree_parts& parts, caf::actor parent);

}  // namespace skerry::supervisors
