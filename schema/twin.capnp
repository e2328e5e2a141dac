@0xd1a7c0de5b2e4f91;
# The twin of a device: what it is asked by path, and what its node keeps of it. What crosses the link by itself is the
# DeviceStatus (link.capnp).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

struct AskTwin {}             # to /node/<name>/twin/<namespace>/<name> -> TwinView. Errors: unavailable (its host has not told
                              # it yet what it is), suspended (the node is cut off)

struct TwinView {
  namespace @0 :Text;
  name @1 :Text;
  uid @2 :Text;
  state @3 :Text;             # online, offline, unknown
  status @4 :Data;            # JSON of DeviceStatus.status as the node has it now, before it is coalesced
}

struct TwinState {            # on disk, under "twin/<namespace>/<name>": the twin survives restarts
  uid @0 :Text;               # of the Device: the state of another one of the name is of no use
  lastOnlineMs @1 :Int64;     # Unix ms; 0: never
  properties @2 :List(Property);

  struct Property {
    name @0 :Text;
    reported @1 :Text;
    reportedMs @2 :Int64;     # when it was read, Unix ms; 0: never
    observed @3 :Text;        # the desired value that the device took last
    observedStamp @4 :Text;   # metadata.timestamp of that
    observedMs @5 :Int64;     # when it took it, Unix ms; 0: never
  }
}
