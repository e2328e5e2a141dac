#include "supervisors/edge_tree.hpp"

#include "actors/link/mesh_actor.hpp"
#include "actors/node/node_agent.hpp"
#include "actors/telemetry/courier.hpp"
#include "actors/twin/host.hpp"
#include "supervisors/pool.hpp"
#include "supervisors/supervisor.hpp"

namespace skerry::supervisors {
namespace {

/// A start that fails is tried again: what it failed on (a disk that is full) may pass.
constexpr supervision edge_rules{.window = {.intensity = 10, .period_ms = 60'000}, .at_first = failed_start::retry};

node::agent_args agent_of(const edge_tree_parts& p, const std::string& root, caf::actor parent) {
  const auto& find = p.island.directory;
  return {.ctx = p.island.ctx,
          .path = root,
          .node = p.node,
          .version = p.version,
          .labels = p.labels,
          .pods_directory = p.pods_directory,
          .kv = p.kv,
          .runtime = p.runtime,
          .files = p.files,
          .prober = p.prober,
          .machine = p.machine,
          .link = p.island.directory.finder(root + "/link"),
          .pods = find.finder(root + "/pod"),
          .devices = p.device_drivers.empty() ? std::function<caf::actor()>{} : find.finder(root + "/devices"),
          .supervisor = std::move(parent)};
}

/// The pool of the twins, and who starts them.
void add_devices(const edge_tree_parts& p, const std::string& root, std::vector<child_spec>& children) {
  if (p.device_drivers.empty()) return;
  children.push_back(subtree(
      "twin",
      [&p, root](caf::event_based_actor* self) {
        return self->spawn(pool, pool_args{p.island, root + "/twin"});
      },
      false, child_kind::pool));
  children.push_back(ready_worker("samples", [&p, root](caf::event_based_actor* self) {
    auto keeper = [&p]() -> caf::actor {
      auto to = p.mesh != nullptr ? p.mesh->bind("/cloud/samples") : caf::error{};
      return to ? *to : caf::actor{};
    };
    auto observe = [&p](const caf::actor& who) {
      return p.mesh != nullptr ? p.mesh->observe(who, paths::cloud) : caf::error{};
    };
    return self->spawn(telemetry::courier, telemetry::courier_args{p.island.ctx, root + "/samples", p.kv, keeper,
                                                                   observe, caf::actor{self}});
  }));
  children.push_back(ready_worker("devices", [&p, root](caf::event_based_actor* self) {
    const auto& find = p.island.directory;
    return self->spawn(twin::host, twin::host_args{.ctx = p.island.ctx,
                                                   .path = root + "/devices",
                                                   .node = p.node,
                                                   .twins_path = root + "/twin",
                                                   .kv = p.kv,
                                                   .drivers = p.device_drivers,
                                                   .agent = find.finder(root + "/agent"),
                                                   .link = find.finder(root + "/link"),
                                                   .twins = find.finder(root + "/twin"),
                                                   .samples = find.finder(root + "/samples"),
                                                   .supervisor = caf::actor{self}});
  }));
}

link::link_client_args link_of(const edge_tree_parts& p, const std::string& root) {
  return {.ctx = p.island.ctx,
          .path = root + "/link",
          .node = p.node,
          .version = p.version,
          .address = p.server,
          .credentials = p.credentials,
          .transport = p.transport,
          .kv = p.kv,
          .agent = p.island.directory.finder(root + "/agent"),
          .pki = &p.pki,
          .on_renewed = p.on_renewed,
          .parent = {},
          .links = p.mesh};
}

}  // namespace

caf::actor start_edge_tree(caf::actor_system& system, const edge_tree_parts& p, caf::actor parent) {
  auto root = "/node/" + p.node;
  std::vector<child_spec> children;
  if (p.admin != nullptr) children.push_back(inspector_worker(*p.admin));
  children.push_back(subtree(
      "pod",
      [&p, root](caf::event_based_actor* self) {
        return self->spawn(pool, pool_args{p.island, root + "/pod"});
      },
      false, child_kind::pool));
  if (p.mesh != nullptr)
    children.push_back(ready_worker("mesh", [&p, root](caf::event_based_actor* self) {
      link::mesh_actor_args args{p.island.ctx, *p.mesh, root + "/mesh", caf::actor{self}};
      if (p.threads) return self->spawn<caf::detached>(link::mesh_actor, std::move(args));
      return self->spawn(link::mesh_actor, std::move(args));
    }));
  children.push_back(ready_worker("agent", [&p, root](caf::event_based_actor* self) {
    auto args = agent_of(p, root, caf::actor{self});
    if (p.threads) return self->spawn<caf::detached>(node::node_agent, std::move(args));
    return self->spawn(node::node_agent, std::move(args));
  }));
  children.push_back(worker("link", [&p, root](caf::event_based_actor* self) {
    if (p.threads) return self->spawn<caf::detached>(link::link_client, link_of(p, root));
    return self->spawn(link::link_client, link_of(p, root));
  }));
  add_devices(p, root, children);
  if (!p.apps.empty()) children.push_back(apps_of(p.island, root, p.apps));
  return system.spawn(supervisor,
                      supervisor_args{p.island, root, edge_rules, std::move(children), std::move(parent), true});
}

}  // namespace skerry::supervisors
