@0xb1f6a1d0c3e84a01;
# A stored Kubernetes object: the metadata that the system itself needs to select, index and place it, and the
# object's whole JSON, made once at commit and handed to every reader and watcher as it is. Unknown fields survive in it.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

struct StoredObject {
  resource @0 :Text;            # "pods", "deployments.apps": plural, and the group where it is not the core one
  namespace @1 :Text;           # empty for objects of the whole cluster
  name @2 :Text;
  uid @3 :Text;
  revision @4 :UInt64;          # of the last change; metadata.resourceVersion in `json`
  generation @5 :Int64;
  createdMs @6 :Int64;          # metadata.creationTimestamp, Unix milliseconds
  deletionMs @7 :Int64;         # metadata.deletionTimestamp, 0: not being deleted
  labels @8 :List(Pair);        # sorted by key
  owners @9 :List(Owner);
  finalizers @10 :List(Text);
  node @11 :Text;               # pods and devices: spec.nodeName
  phase @12 :Text;              # pods, namespaces: status.phase
  fields @13 :List(Pair);       # what else a field selector may ask for, by its path, such as "involvedObject.name"
  json @14 :Data;               # the canonical JSON, metadata.resourceVersion included
  previous @15 :UInt64;         # the revision that this one replaced; 0: the object was created by it
  committedMs @16 :Int64;       # when it was committed, Unix milliseconds
  removed @17 :Bool;            # this revision removed the object; the rest is its last state

  struct Pair {
    key @0 :Text;
    value @1 :Text;
  }
  struct Owner {
    uid @0 :Text;
    kind @1 :Text;
    name @2 :Text;
    controller @3 :Bool;
  }
}
