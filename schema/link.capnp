@0x9c4f0b7d5a2e6f02;
# The link between an edge node and its cloud: what crosses it, in which order, and what the loss of it means.
#
# One TLS 1.3 connection, opened by the edge to the cloud's API port with ALPN "skerry-link/1". Each frame is a
# little-endian u32 length (a multiple of 8, at most limits::frame_bytes_max) and a Cap'n Proto message of that many
# bytes (flat stream format) with root `Frame`. A frame that breaks these rules ends the connection.
#
# A connection without a client certificate carries one `join` and its answer. One with a node's certificate is a session:
#
#   edge                                          cloud
#   hello (inventory)          ->
#                              <-  welcome (lease, facts acknowledged so far) | goodbye (and when to come back)
#                              <-  desired ... desired(last)      what differs between inventory and desired set; from
#   desiredAck                 ->                                 then on each change; at most limits::desired_window
#                                                                 frames without acknowledgement
#   facts                      ->                                 from the oldest not acknowledged; at most
#                              <-  factsAck                       limits::facts_window frames without acknowledgement
#   ping                       ->  pong                           either way, whenever the sender likes
#   join (empty token)         ->  joined                         a new certificate for the same node, before the old ends
#
# Either side counts a connection on which it heard nothing for limits::half_open_ms as dead. A newer session of a node
# replaces its older one.
#
# Letters between actors of the two islands cross beside that, once both ends have said `mesh` (after `welcome`; an end
# that does not know it ignores the frame and gets no letters):
#
#   mesh                       <-> mesh                   which island this is, its journal, how much may be unhandled
#   letters                    <-> letters                messages, answers, watches, in the order in which they were sent
#   settled                    <-> settled                what became of them
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
    desiredAck @10 :UInt64; # edge -> cloud: so many `desired` frames of this session are on the edge's disk
    mesh @11 :Mesh;         # either, once in a session, after `welcome`: letters may come from now on
    letters @12 :Letters;   # either
    settled @13 :Settled;   # either
  }
}

struct Join {
  token @0 :Text;           # "<id>.<secret>"; empty in a session: a renewal
  nodeName @1 :Text;        # or "/controller/<name>": who joins is that controller, which its token must be for
  csrPem @2 :Text;          # subject CN=system:node:<name>, O=system:nodes, or CN=skerry:controller:<name>,
                            # O=skerry:controllers; the key never leaves who asks
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
  nextFact @5 :UInt64;      # sequence of the oldest fact that waits; 0: none
  journal @6 :Text;         # names the edge's journal of facts: sequences of two journals have nothing to do with each other
  island @7 :Text;          # "/repl/<id>" or "/controller/<name>" of an island that is no node; empty: the node of the
                            # certificate. Such an island has no inventory, no facts and no lease: it gets no `desired`
}

struct Held {
  resource @0 :Text;
  namespace @1 :Text;
  name @2 :Text;
  uid @3 :Text;
  revision @4 :UInt64;
  digest @5 :UInt64;        # as it came in Put.digest; 0: not known, the object is sent anew
}

struct Welcome {
  leaseMs @0 :UInt32;       # the node counts as connected for so long after the last frame from it
  cluster @1 :Text;         # uid of the cluster: an edge refuses the desired set of another one
  factsAcked @2 :UInt64;    # highest sequence of the journal in `hello` that is known to be committed; 0: not known
}

struct Desired {
  revision @0 :UInt64;      # after these changes the edge holds the desired set as of this revision
  put @1 :List(Put);
  drop @2 :List(Held);      # no longer wanted here; a pod in it is stopped and forgotten. Applied before `put`: an
                            # object that was deleted and made anew under its name is in both, with two uids
  last @3 :Bool;            # false: more frames of the same revision follow
}

struct Put {
  object @0 :Data;          # a StoredObject message in the flat stream format
  digest @1 :UInt64;        # of what the edge acts upon: all but status, metadata.resourceVersion and managedFields.
                            # An object whose digest did not change does not cross again
}

struct Facts {
  facts @0 :List(Fact);     # in order of sequence, which has gaps where a newer one replaced an older
}

struct Fact {
  sequence @0 :UInt64;
  union {
    podStatus @1 :PodStatus;   # latest by pod uid
    podGone @2 :PodRef;        # durable: the pod has ended its termination here; the cloud removes the object
    nodeStatus @3 :Data;       # latest: JSON of core/v1 NodeStatus; under "metadata" the node's own labels and annotations
    event @4 :Data;            # durable, bounded: JSON of core/v1 Event
    deviceStatus @5 :DeviceStatus; # latest by device uid
  }
}

struct DeviceStatus {
  device @0 :PodRef;        # namespace, name and uid of the Device that it is about
  json @1 :Data;            # devices.kubeedge.io/v1beta1 DeviceStatus.status
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

# -- letters -----------------------------------------------------------------------------------------------------------

struct Mesh {
  protocol @0 :UInt32;      # 1
  island @1 :Text;          # of the sender: it speaks for paths below this one, and no others; a cloud relays for all
  journal @2 :Text;         # names the sender's journal of durable letters; empty: it has none
  boot @3 :UInt64;          # changes with each start of the process
  windowBytes @4 :UInt64;   # the sender of `letters` stops at so many bytes that are not settled yet
}

# Numbers stand for paths, in each direction of a connection by itself. A number is given (`names`) in the frame that
# first uses it, or before. 0 is nobody.
struct Letters {
  restart @0 :Bool;         # forget all numbers given before; comes before `names`
  names @1 :List(Name);
  letters @2 :List(Envelope);

  struct Name {
    number @0 :UInt32;      # 1 to limits::link_names_max
    path @1 :Text;
  }
}

struct Envelope {
  kind @0 :Kind;
  delivery @1 :Delivery;
  ttlMs @2 :UInt32;         # what is left of the time to live; 0: the default of its type
  to @3 :UInt32;
  from @4 :UInt32;
  call @5 :UInt64;          # of a letter: a number for the answer, 0: none is wanted. Of an answer: that number
  receipt @6 :UInt64;       # durable: the sequence in the sender's journal. latest: a number of this connection, to be
                            # settled. watch, watching, gone: the incarnation of the actor, 0: not known
  type @7 :UInt64;          # Cap'n Proto id of the body's root; 0: the body is empty
  body @8 :Data;            # the message in the flat stream format
  failure @9 :Failure;     # of an answer: the request failed; of exit and gone: the reason

  enum Kind {
    letter @0;              # a message, or a request if it has a `call`
    answer @1;
    exit @2;                # asks the actor to end, as caf::exit_msg does; from operators' islands alone
    watch @3;               # tell me (`from`) when the actor at `to` ends. A receipt that is not the incarnation that stands
                            # there is answered with `gone`. Repeated in each new session for what is still watched
    unwatch @4;
    watching @5;            # the answer to watch: `from` stands, in the incarnation of the receipt
    gone @6;                # the actor at `from` has ended
  }
  enum Delivery {
    fleeting @0;
    latest @1;              # settled one by one when the receiver has handled it; until then the sender keeps it
    durable @2;             # settled for each destination up to a sequence, when its effect is on disk
  }
}

struct Failure {
  category @0 :UInt64;      # the atom of caf::error's category; "skerry" for errc
  code @1 :UInt8;
  message @2 :Text;
}

struct Settled {
  releasedBytes @0 :UInt64;   # of the letters that came in this session and are not durable (bodies, and
                              # limits::envelope_bytes for each), so many have been handled
  states @1 :List(UInt64);    # receipts of latest letters that were handled
  refused @2 :List(UInt64);   # receipts of latest letters that were not: nobody stands there just now. Send again later
  facts @3 :List(Facts);      # durable ones

  struct Facts {
    path @0 :Text;            # the destination
    sequence @1 :UInt64;      # its effects up to here are committed
  }
}

# -- on disk -----------------------------------------------------------------------------------------------------------

struct JournalEntry {         # a durable letter that is not acknowledged yet; its key holds neighbour and sequence
  to @0 :Text;
  from @1 :Text;
  type @2 :UInt64;
  body @3 :Data;
}
