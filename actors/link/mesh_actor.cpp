#include "actors/link/mesh_actor.hpp"

#include "schema/probe.capnp.h"

namespace skerry::link {

caf::behavior mesh_actor(base::stateful<mesh_actor_state>* self, mesh_actor_args args) {
  base::prepare(self, args.ctx, args.path);
  auto work = [self, &links = args.links] {
    auto again_ms = links.work();
    auto generation = ++self->state.generation;
    if (again_ms != 0) self->delayed_send(self, std::chrono::milliseconds(again_ms), mesh_tick{generation});
  };
  args.links.attach(caf::actor_cast<caf::actor>(self));
  if (args.parent) self->send(args.parent, base::ready{args.path});
  return {
      [work](const mesh_work&) { work(); },
      [self, work](const mesh_tick& m) {
        if (m.generation == self->state.generation) work();
      },
      [island = args.links.island()](const letter<schema::ProbePing>& ping) {
        return letter<schema::ProbePong>::build([&](schema::ProbePong::Builder b) {
          b.setNumber((*ping).getNumber());
          b.setIsland(island);
        });
      },
  };
}

}  // namespace skerry::link
