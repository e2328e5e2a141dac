#include "supervisors/cloud_tree.hpp"

#include "actors/api/objects.hpp"
#include "actors/api/samples.hpp"
#include "actors/api/sessions.hpp"
#include "actors/controllers/deployment.hpp"
#include "actors/controllers/expiry.hpp"
#include "actors/controllers/garbage.hpp"
#include "actors/controllers/namespaces.hpp"
#include "actors/controllers/node_lifecycle.hpp"
#include "actors/controllers/node_sync.hpp"
#include "actors/controllers/replicaset.hpp"
#include "actors/controllers/scheduler.hpp"
#include "actors/controllers/status_writer.hpp"
#include "actors/link/mesh_actor.hpp"
#include "actors/store/store.hpp"
#include "actors/telemetry/keeper.hpp"
#include "supervisors/pool.hpp"
#include "supervisors/supervisor.hpp"

namespace skerry::supervisors {
namespace {

/// A start that fails is tried again: what it failed on (a disk that is full, a port that is taken) may pass.
constexpr supervision cloud_rules(strategy how) {
  return {.how = how, .window = {.intensity = 10, .period_ms = 30'000}, .at_first = failed_start::retry};
}

start_function store_of(const cloud_tree_parts& p) {
  return [&p](caf::event_based_actor* parent) {
    store::store_args args{p.island.ctx, cloud_paths::store, p.kv, p.views, caf::actor{parent}, {}, p.threads};
    if (p.threads) return parent->spawn<caf::detached>(store::store_actor, std::move(args));
    return parent->spawn(store::store_actor, std::move(args));
  };
}

start_function mesh_of(const cloud_tree_parts& p) {
  return [&p](caf::event_based_actor* parent) {
    link::mesh_actor_args args{p.island.ctx, *p.mesh, cloud_paths::mesh, caf::actor{parent}};
    if (p.threads) return parent->spawn<caf::detached>(link::mesh_actor, std::move(args));
    return parent->spawn(link::mesh_actor, std::move(args));
  };
}

start_function samples_of(const cloud_tree_parts& p) {
  return [&p](caf::event_based_actor* parent) {
    auto node_of = [&p](const caf::strong_actor_ptr& sender) -> std::string {
      if (!sender || p.mesh == nullptr) return {};
      auto path = p.mesh->path_of(caf::actor_cast<caf::actor>(sender));
      auto island = paths::island_of(path);
      return paths::kind_of(island) == paths::island_kind::node ? std::string{paths::name_of_island(island)} : "";
    };
    telemetry::keeper_args args{p.island.ctx, cloud_paths::samples, *p.series, *p.views, node_of, caf::actor{parent}};
    if (p.threads) return parent->spawn<caf::detached>(telemetry::keeper, std::move(args));
    return parent->spawn(telemetry::keeper, std::move(args));
  };
}

controllers::controller_args args_of(const cloud_tree_parts& p) {
  return {p.island.ctx, *p.views, p.island.directory.finder(cloud_paths::store), p.registry};
}

template <class State>
child_spec controller(const cloud_tree_parts& p, std::string id,
                      caf::behavior (*factory)(base::stateful<State>*, controllers::controller_args)) {
  return worker(std::move(id),
                [&p, factory](caf::event_based_actor* parent) { return parent->spawn(factory, args_of(p)); });
}

supervisor_args controllers_of(const cloud_tree_parts& p) {
  std::vector<child_spec> children;
  children.push_back(worker("namespace", [&p](caf::event_based_actor* parent) {
    return parent->spawn(controllers::namespace_controller, args_of(p), p.link.authority.certificate_pem);
  }));
  children.push_back(worker("node-lifecycle", [&p](caf::event_based_actor* parent) {
    return parent->spawn(controllers::node_lifecycle_controller, args_of(p), limits::lease_ms);
  }));
  children.push_back(controller(p, "garbage", controllers::garbage_controller));
  children.push_back(controller(p, "expiry", controllers::expiry_controller));
  children.push_back(controller(p, "scheduler", controllers::scheduler));
  children.push_back(controller(p, "replicaset", controllers::replicaset_controller));
  children.push_back(controller(p, "deployment", controllers::deployment_controller));
  children.push_back(worker("status-writer", [&p](caf::event_based_actor* parent) {
    return parent->spawn(controllers::status_writer,
                         controllers::status_writer_args{args_of(p), cloud_paths::status_writer, {}});
  }));
  children.push_back(worker("node-sync", [&p](caf::event_based_actor* parent) {
    return parent->spawn(
        controllers::node_sync,
        controllers::node_sync_args{
            p.island.ctx, cloud_paths::node_sync, *p.views, p.island.directory.finder(cloud_paths::store), {}});
  }));
  return {p.island, "/cloud/controllers", cloud_rules(strategy::one_for_one), std::move(children)};
}

child_spec pool_of(const cloud_tree_parts& p, std::string id, const char* path) {
  return subtree(
      std::move(id),
      [&p, path](caf::event_based_actor* parent) {
        return parent->spawn(pool, pool_args{p.island, path});
      },
      false, child_kind::pool);
}

/// As whom the sender of a letter asks the API. Without a mesh nobody but the cloud's own actors gets there.
std::function<std::optional<ports::peer_identity>(const caf::strong_actor_ptr&)> identities_of(
    const cloud_tree_parts& p) {
  return [&p](const caf::strong_actor_ptr& sender) -> std::optional<ports::peer_identity> {
    if (!sender) return std::nullopt;
    if (p.mesh == nullptr) return api::identity_of(cloud_paths::root);
    return api::identity_of(p.mesh->path_of(caf::actor_cast<caf::actor>(sender)));
  };
}

supervisor_args api_of(const cloud_tree_parts& p) {
  std::vector<child_spec> children;
  children.push_back(pool_of(p, "watches", cloud_paths::api_watches));
  children.push_back(worker("sessions", [&p](caf::event_based_actor* parent) {
    return parent->spawn(api::sessions, &p.api, cloud_paths::api_sessions);
  }));
  children.push_back(pool_of(p, "feeds", cloud_paths::api_feeds));
  children.push_back(worker("objects", [&p](caf::event_based_actor* parent) {
    return parent->spawn(api::objects,
                         api::objects_args{p.api, p.front, cloud_paths::api_objects,
                                           p.island.directory.finder(cloud_paths::api_feeds), identities_of(p)});
  }));
  if (p.series != nullptr)
    children.push_back(worker("samples", [&p](caf::event_based_actor* parent) {
      api::samples_args args{p.api, *p.series, p.front, cloud_paths::api_samples, identities_of(p)};
      if (p.threads) return parent->spawn<caf::detached>(api::samples, std::move(args));
      return parent->spawn(api::samples, std::move(args));
    }));
  return {p.island, "/cloud/api", cloud_rules(strategy::one_for_one), std::move(children)};
}

supervisor_args link_of(const cloud_tree_parts& p) {
  std::vector<child_spec> children;
  children.push_back(pool_of(p, "sessions", cloud_paths::link_sessions));
  children.push_back(worker("hub", [&p](caf::event_based_actor* parent) {
    return parent->spawn(link::hub, link::hub_args{p.link, "/cloud/link/hub", p.links, caf::actor{}});
  }));
  return {p.island, "/cloud/link", cloud_rules(strategy::one_for_all), std::move(children)};
}

child_spec branch(std::string id, supervisor_args (*args)(const cloud_tree_parts&), const cloud_tree_parts& p) {
  return subtree(std::move(id),
                 [args, &p](caf::event_based_actor* parent) { return parent->spawn(supervisor, args(p)); });
}

}  // namespace

caf::actor start_cloud_tree(caf::actor_system& system, const cloud_tree_parts& parts, caf::actor parent) {
  std::vector<child_spec> children;
  if (parts.admin != nullptr) children.push_back(inspector_worker(*parts.admin));
  children.push_back(ready_worker("store", store_of(parts)));
  if (parts.mesh != nullptr) children.push_back(ready_worker("mesh", mesh_of(parts)));
  if (parts.series != nullptr) children.push_back(ready_worker("samples", samples_of(parts)));
  children.push_back(branch("controllers", controllers_of, parts));
  children.push_back(branch("api", api_of, parts));
  children.push_back(branch("link", link_of, parts));
  if (!parts.apps.empty()) children.push_back(apps_of(parts.island, cloud_paths::root, parts.apps));
  return system.spawn(supervisor, supervisor_args{parts.island, cloud_paths::root, cloud_rules(strategy::one_for_one),
                                                  std::move(children), std::move(parent), true});
}

}  // namespace skerry::supervisors
