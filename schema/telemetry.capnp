@0xb8e5d1f0a4c37296;
# Samples of devices: each value that a twin has read, from the node's journal to the cloud's time series, never through
# the object store.
#
# The journal of a node numbers its frames from 1, without gaps unless it had to drop its oldest. The cloud keeps, for
# each journal, the number of the last frame that is on its disk, in the write that brings the frame there: a frame that
# comes again has no effect.
#
#   node                                  cloud (/cloud/samples)
#   PutSamples (no frame)     ->          where are we?
#                             <-          SamplesKept
#   PutSamples ...            ->          in order; a few without an answer
#                             <-          SamplesKept      ... and the node lets go of all up to there
#
# A frame whose `after` is not what the cloud has (one before it was lost with the link) is answered with what it has, and
# the node goes back to there.

using Cxx = import "/capnp/c++.capnp";
using Delivery = import "/schema/delivery.capnp";
$Cxx.namespace("skerry::schema");

struct PutSamples $Delivery.fleeting(20000) $Delivery.priority(bulk) {
  journal @0 :Text;           # names it: numbers of two journals have nothing to do with each other
  sequence @1 :UInt64;        # of the frame; 0: there is none, this only asks
  after @2 :UInt64;           # the last number that the cloud must have for this frame to be the next one
  frame @3 :Data;             # a SampleFrame in the flat stream format
  lost @4 :UInt64;            # samples that the node had to drop since its journal began, its disk's share being full
}

struct SamplesKept {
  sequence @0 :UInt64;        # all frames up to here are on the cloud's disk; 0: none of this journal
}

struct SampleFrame {
  devices @0 :List(Device);

  struct Device {
    namespace @0 :Text;
    name @1 :Text;
    uid @2 :Text;             # samples of a device that the cloud does not know by this uid, on this node, are left out
    series @3 :Data;          # for each property: length of its name, the name, length of its column, the column
  }                           # (actors/telemetry/column.hpp); lengths as variable-length integers
}

struct AskSamples {           # to /cloud/api/samples -> SamplesAnswer, for those who may read devices/samples of
                              # telemetry.skerry.io. Errors: forbidden, invalid (names the parameter), not_found, too_large
  namespace @0 :Text;
  name @1 :Text;
  query @2 :Text;             # as behind the '?' of the API's path (docs/devices.md)
}

struct SamplesAnswer {
  contentType @0 :Text;
  body @1 :Data;
}

# -- on disk ----------------------------------------------------------------------------------------------------------

struct SampleJournal {        # of a node, under "samples/journal"
  journal @0 :Text;
  next @1 :UInt64;            # the number of the next one
  bytes @2 :UInt64;           # of all that are there
  lost @3 :UInt64;            # samples dropped
}

struct SampleOffset {         # of the cloud, under "samples/o/<node>"
  journal @0 :Text;
  sequence @1 :UInt64;
  lost @2 :UInt64;
}
