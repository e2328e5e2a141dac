#pragma once
#include <caf/stateful_actor.hpp>
#include <functional>
#include <memory>

#include "actors/api/front.hpp"
#include "schema/objects.capnp.h"

namespace skerry::api {

struct objects_args {
  const parts& with;  ///< outlives the actor, as does `front`
  front& door;
  std::string path;                   ///< "/cloud/api/objects"
  std::function<caf::actor()> feeds;  ///< a pool (base/pool.hpp) under which feeds live, at "/cloud/api/feeds"
  /// Who a letter is from, by its sender: as a certificate would say it. An actor of this process may do all that the
  /// process may. Nothing: it is refused.
  std::function<std::optional<ports::peer_identity>(const caf::strong_actor_ptr& sender)> who;
};

/// Internal state; public only because CAF constructs it.
class objects_state {
public:
  static inline const char* name = "objects";
  explicit objects_state(base::actor* self) : self_(self) {}
  caf::behavior make(objects_args args);

private:
  caf::result<letter<schema::ObjectAnswer>> call(const letter<schema::ObjectCall>& c);
  caf::result<letter<schema::FeedOpened>> open(const letter<schema::OpenFeed>& o);

  base::actor* self_;
  std::unique_ptr<objects_args> args_;
};

/// The API for actors (schema/objects.capnp): turns a call into a request of the REST API and answers with what that
/// answers, so that both decide alike; opens feeds, each an actor of the pool. Keeps nothing: calls under way when it
/// ends are answered all the same.
caf::behavior objects(base::stateful<objects_state>* self, objects_args args);

/// What an island may, in the words of a certificate: a controller is the user skerry:controller:<name> in the group
/// skerry:controllers, whom RBAC objects give rights; the cloud itself, and a REPL, which only the administrator of the
/// machine can join, are of system:masters. Nothing for nodes, whose certificates are no business of objects, and for
/// what is no path.
std::optional<ports::peer_identity> identity_of(std::string_view path);

/// The REST request that a call means. Errors: errc::invalid (unknown resource or verb).
caf::expected<ports::http_request> to_request(schema::ObjectCall::Reader c, const kube::registry& registry);

}  // namespace skerry::api
