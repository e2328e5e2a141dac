@0xf5a2c1de3b7094a6;
# What samplers on nodes say to the aggregate in the cloud.

using Cxx = import "/capnp/c++.capnp";
using Delivery = import "/schema/delivery.capnp";
$Cxx.namespace("samples");

# How a node is just now. While the line is cut a newer one replaces the older: after a month one arrives.
struct Reading $Delivery.latest("node") {
  node @0 :Text;
  number @1 :UInt64;     # counts this node's readings, of all its lives
  load @2 :Float64;      # of the last minute
  tallies @3 :UInt64;    # how many Tally this node has sent
}

# Something that counts: each arrives, in order, and its effect is applied once.
struct Tally $Delivery.durable {
  node @0 :Text;
  number @1 :UInt64;     # 1, 2, 3, ...
}

# Asks the aggregate; answered with Totals.
struct AskTotals {}
struct Totals {
  nodes @0 :List(Node);
  struct Node {
    node @0 :Text;
    tallies @1 :UInt64;  # counted here
    sent @2 :UInt64;     # as the node said in its last reading
    gaps @3 :UInt64;     # numbers that were skipped, or came out of order: never
    readings @4 :UInt64; # that arrived
    number @5 :UInt64;   # of the last one
    repeats @6 :UInt64;  # numbers that came twice, and counted once: only if the agent ended at a bad moment
  }
}
