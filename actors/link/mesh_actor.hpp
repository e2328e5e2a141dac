#pragma once
#include <caf/stateful_actor.hpp>

#include "actors/base/context.hpp"
#include "actors/link/mesh.hpp"

namespace skerry::link {

struct mesh_actor_args {
  const context& ctx;
  mesh& links;
  std::string path;   ///< "<island>/mesh"
  caf::actor parent;  ///< gets base::ready; may be null
};

struct mesh_tick {
  uint64_t generation = 0;
};

/// Internal state of the mesh's worker; public only because CAF constructs it.
struct mesh_actor_state {
  static inline const char* name = "mesh";
  uint64_t generation = 0;
};

/// The mesh's worker: syncs its journal, keeps its deadlines, and answers `ProbePing`. It blocks on the disk: give it a
/// thread of its own (caf::detached) where there are threads.
caf::behavior mesh_actor(base::stateful<mesh_actor_state>* self, mesh_actor_args args);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::mesh_tick)
