@0x9d715a407cd2289b;
# Messages that mean nothing: a number, a key and bytes, one for each way of delivery. Benchmarks, tests and people at
# the REPL measure and try links with them. The mesh actor of each island (<island>/mesh) answers `ProbePing`.

using Cxx = import "/capnp/c++.capnp";
using Delivery = import "delivery.capnp";
$Cxx.namespace("skerry::schema");

struct Probe {                # fleeting, ten seconds
  number @0 :UInt64;
  key @1 :Text;
  body @2 :Data;
}
struct ProbeState $Delivery.latest("key") {
  number @0 :UInt64;
  key @1 :Text;
  body @2 :Data;
}
struct ProbeFact $Delivery.durable {
  number @0 :UInt64;
  key @1 :Text;
  body @2 :Data;
}
struct ProbeBulk $Delivery.fleeting(60000) $Delivery.priority(bulk) {
  number @0 :UInt64;
  key @1 :Text;
  body @2 :Data;
}
struct ProbePing {
  number @0 :UInt64;
}
struct ProbePong {            # the answer
  number @0 :UInt64;
  island @1 :Text;
}
