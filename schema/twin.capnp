@0xd1a7c0de5b2e4f91;
# What a node keeps of a device's twin, so that it survives restarts. On disk alone, under "twin/<namespace>/<name>": what
# crosses the link is the DeviceStatus (link.capnp).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

struct TwinState {
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
