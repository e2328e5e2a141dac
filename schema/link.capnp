@0x9c4f0b7d5a2e6f02;
# The link between an edge node and its cloud: what crosses it, in which order, and what the loss of it means.
#
# One TLS 1.3 connection, opened by the edge to the cloud's API port with ALPN "skerry-link/1". Each frame is a
# little-endian u32 length and a Cap'n Proto message (flat stream format) with root `Frame`. Point of view: the edge
# says `join`, `hello`, `facts`; the cloud says `joined`, `welcome`, `desired`; both say `ping`, `pong`, `goodbye`.
#
# A lost connection loses nothing that matters: desired state is level-triggered and diffed anew from the inventory in
# `hello`; facts wait in the edge's journal until `factsAck` covers them. Until then the state of the peer is unknown,
# and nobody guesses.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

struct Frame {
  union {
    join @0 :Join;          # edge -> cloud, first frame of a connection without a client certificate
    joined @1 :Joined;      # cloud -> edge, the answer; the edge then closes and connects with its certificate
    hello @2 :Hello;        # edge -> cloud, first frame of a session
    welcome @3 :Welcome;    # cloud -> edge, the answer
    desired @4 :Desired;    # cloud -> edge, changes of the desired set
    facts @5 :Facts;        # edge -> cloud, what is so
    factsAck @6 :UInt64;    # cloud -> edge: all facts up to this sequence are committed
    ping @7 :UInt64;        # either: a number of the sender's choice
    pong @8 :UInt64;        # either: the same number
    goodbye @9 :Goodbye;    # either, before it closes on purpose
  }
}

struct Join {
  token @0 :Text;           # "<id>.<secret>"
  nodeName @1 :Text;
  csrPem @2 :Text;          # subject CN=system:node:<name>, O=system:nodes; the key never leaves the edge
}

struct Joined {
  certificatePem @0 :Text;
  caPem @1 :Text;
}

struct Hello {
  protocol @0 :UInt32;      # 1
  version @1 :Text;         # of the software
  boot @2 :UInt64;          # changes with each start of the agent
  inventory @3 :List(Held); # every object of the desired set that the edge holds
  complete @4 :UInt64;      # the cloud's revision that the inventory is known to be complete at; 0: never
  nextFact @5 :UInt64;      # sequence of the oldest fact that waits
}

struct Held {
  resource @0 :Text;
  namespace @1 :Text;
  name @2 :Text;
  uid @3 :Text;
  revision @4 :UInt64;
}

struct Welcome {
  leaseMs @0 :UInt32;       # the node counts as connected for so long after the last frame from it
  cluster @1 :Text;         # uid of the cluster: an edge refuses the desired set of another one
  factsAcked @2 :UInt64;    # highest sequence of this node's facts that is committed
}

struct Desired {
  revision @0 :UInt64;      # after these changes the edge holds the desired set as of this revision
  put @1 :List(Data);       # each a StoredObject message in the flat stream format
  drop @2 :List(Held);      # no longer wanted here; a pod in it is stopped and forgotten
  last @3 :Bool;            # false: more frames of the same revision follow
}

struct Facts {
  facts @0 :List(Fact);     # in order of sequence, which has gaps where a newer one replaced an older
}

struct Fact {
  sequence @0 :UInt64;
  union {
    podStatus @1 :PodStatus;   # latest by pod uid
    podGone @2 :PodRef;        # durable: the pod has ended its termination here; the cloud removes the object
    nodeStatus @3 :Data;       # latest: JSON of core/v1 NodeStatus
    event @4 :Data;            # durable, bounded: JSON of core/v1 Event
  }
}

struct PodRef {
  namespace @0 :Text;
  name @1 :Text;
  uid @2 :Text;
}

struct PodStatus {
  pod @0 :PodRef;
  json @1 :Data;            # core/v1 PodStatus
}

struct Goodbye {
  code @0 :UInt16;          # errc of schema/error.hpp
  message @1 :Text;
  retryAfterMs @2 :UInt32;  # 0: as the sender of the connection likes
}
