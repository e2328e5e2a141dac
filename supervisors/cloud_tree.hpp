#pragma once
#include <caf/actor_system.hpp>
#include <memory>

#include "actors/api/front.hpp"
#include "actors/link/hub.hpp"
#include "actors/link/mesh.hpp"
#include "actors/ports/kv.hpp"
#include "actors/store/publisher.hpp"
#include "actors/telemetry/series_store.hpp"
#include "supervisors/apps.hpp"
#include "supervisors/inspector.hpp"

namespace skerry::supervisors {

/// What the tree of a cloud is built from. Built by main (or a simulated world); outlives all actors.
struct cloud_tree_parts {
  const services& island;
  ports::kv& kv;
  std::shared_ptr<store::publisher> views;
  const kube::registry& registry;
  const api::parts& api;
  api::front& front;
  const link::cloud_parts& link;
  link::acceptor& links;
  std::vector<app_child> apps{};  ///< parts of others, under /cloud/app
  bool threads = true;  ///< the store, which blocks on the disk, gets a thread of its own; false in the simulator
  link::mesh* mesh = nullptr;                 ///< letters to and from other islands; null: none
  telemetry::series_store* series = nullptr;  ///< samples of devices; null: they are not kept
  const inspector_parts* admin = nullptr;     ///< answers operators; null: nobody does
};

/// Where the cloud's actors stand.
namespace cloud_paths {
inline constexpr const char* mesh = "/cloud/mesh";
inline constexpr const char* root = "/cloud";
inline constexpr const char* store = "/cloud/store";
inline constexpr const char* api_sessions = "/cloud/api/sessions";
inline constexpr const char* api_feeds = "/cloud/api/feeds";
inline constexpr const char* api_objects = "/cloud/api/objects";
inline constexpr const char* api_watches = "/cloud/api/watches";
inline constexpr const char* api_samples = "/cloud/api/samples";
inline constexpr const char* samples = "/cloud/samples";
inline constexpr const char* link_sessions = "/cloud/link/sessions";
inline constexpr const char* node_sync = "/cloud/controllers/node-sync";
inline constexpr const char* status_writer = "/cloud/controllers/status-writer";
inline constexpr const char* node_life_cycle = "/cloud/controllers/node-lifecycle";
}  // namespace cloud_paths

/// Starts the tree: the store first, and once it is loaded the controllers, the API's sessions and watches, the link's
/// hub and sessions. Returns the root supervisor, which the caller holds; `parent` gets base::ready when all of it
/// runs.
caf::actor start_cloud_tree(caf::actor_system& system, const cloud_tree_parts& parts, caf::actor parent);

}  // namespace skerry::supervisors
