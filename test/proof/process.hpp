#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/ports/pki.hpp"
#include "test/proof/flow.hpp"

/// The two processes of the proof: the cloud, and one that is all the nodes. Both are made of production parts: the TLS
/// driver, the API's server that hands links over, hub and sessions, link_client, meshes, pools, LevelDB.
namespace skerry::test::proof {

struct process_args {
  std::string folder;  ///< keys, points, and a store for each island
  int pipe = -1;       ///< said goes there
  uint32_t nodes = 0;
  uint16_t port = 0;  ///< the cloud: to listen on, 0 for any; the nodes: to connect to
};

/// Flow 2n goes from node n to the cloud, flow 2n+1 back.
inline uint32_t flow_up(uint32_t node) { return 2 * node; }
inline uint32_t flow_down(uint32_t node) { return 2 * node + 1; }
inline std::string name_of_flow(uint32_t flow) { return (flow % 2 == 0 ? "up" : "down") + std::to_string(flow / 2); }
inline std::string island_of_node(uint32_t node) { return "/node/n" + std::to_string(node); }
/// The folder of an island's store.
inline std::string store_of(const std::string& folder, const std::string& island) {
  auto name = island.substr(1);
  for (auto& c : name)
    if (c == '/') c = '-';
  return folder + "/" + name;
}

/// Runs until standard input ends; "f" on it: nothing new is sent, said::done when all is settled.
int run_cloud(const process_args& args);
int run_nodes(const process_args& args);

/// Makes the keys of all; both processes read them from the folder.
void make_keys(const std::string& folder, uint32_t nodes);

}  // namespace skerry::test::proof
