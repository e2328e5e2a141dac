#pragma once
#include <map>
#include <set>
#include <unordered_map>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/link/cloud.hpp"
#include "actors/store/messages.hpp"
#include "actors/store/view.hpp"

namespace skerry::controllers {

struct node_sync_args {
  const context& ctx;
  std::string path;  ///< "/cloud/controllers/node_sync"
  const store::reader& store;
  std::function<caf::actor()> store_actor;
  caf::actor parent;  ///< gets base::ready once subscribed; may be null
};

struct node_sync_retry {};

/// Which nodes a change concerns. Pure: pods and devices by the node that they are or were bound to, ConfigMaps,
/// Secrets and DeviceModels by the interest that sessions have stated.
class node_routes {
public:
  void set_interest(const std::string& node, const std::vector<store::object_key>& objects);
  void forget(const std::string& node);
  /// Adds the nodes that an event concerns to `out`.
  void concerned(const store::event& e, std::set<std::string, std::less<>>& out) const;

private:
  std::map<store::object_key, std::set<std::string>> by_object_;
  std::map<std::string, std::vector<store::object_key>> by_node_;
};

/// Internal state of node_sync; public only because CAF constructs it.
class node_sync_state {
public:
  static inline const char* name = "node_sync";
  explicit node_sync_state(base::actor* self) : self_(self) {}
  caf::behavior make(node_sync_args args);

private:
  void subscribe();
  void follow(const std::string& node, const caf::actor& session);
  void on_events(const store::events& m);
  void on_down(const caf::down_msg& m);
  void poke_all();

  base::actor* self_;
  std::unique_ptr<node_sync_args> args_;
  node_routes routes_;
  std::map<std::string, caf::actor, std::less<>> sessions_;
  std::unordered_map<caf::actor_id, std::string> node_of_;
  caf::actor_id store_ = 0;
  bool ready_ = false;
};

/// Tells each node's session when something that its desired set is made of has changed; the session looks at the view
/// and computes for itself (level-triggered: a poke says that, not what). One subscriber for the whole fleet, so that a
/// commit costs the sessions that it concerns and no others.
caf::behavior node_sync(base::stateful<node_sync_state>* self, node_sync_args args);

}  // namespace skerry::controllers

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::controllers::node_sync_retry)
