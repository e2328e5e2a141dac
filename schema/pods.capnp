@0xfdaefdeb840ea554;
# What a pod's actor is asked by path, /node/<name>/pod/<uid> (actors/pod/pod_actor.hpp): by controllers, by parts of the
# cloud, by people at the REPL.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

struct AskPod {}              # -> PodView. Errors: unavailable (its agent has not told it yet what it is), suspended
                              # (the node is cut off)

struct PodView {
  namespace @0 :Text;
  name @1 :Text;
  uid @2 :Text;
  phase @3 :Text;             # of the status: Pending, Running, Succeeded, Failed
  status @4 :Data;            # JSON of core/v1 PodStatus as the node has it now: what the API server shows once it has
                              # crossed the link
}
