@0xe0e49ad3bd1e06a2;
# The Kubernetes objects of a cloud, as letters to the actor /cloud/api/objects: for controllers that are islands of their
# own and for those inside the cloud. A call is decided by the same code as a request to the REST API: validation,
# defaults, admission of names, optimistic concurrency, rights. Who asks is the island that the letter comes from, as its
# certificate proves ("skerry:controller:<name>"), never what the letter says.

using Cxx = import "/capnp/c++.capnp";
using Delivery = import "delivery.capnp";
$Cxx.namespace("skerry::schema");

# One request; answered with ObjectAnswer, whatever came of it. An error instead of an answer means that nobody decided:
# errc::suspended, unavailable, timed_out (a write may then have happened or not: read, and try again).
struct ObjectCall $Delivery.fleeting(15000) {
  verb @0 :Verb;
  resource @1 :Text;        # "pods", "deployments.apps": plural, and the group where it is not the core one
  namespace @2 :Text;       # empty: all namespaces (list), or an object of the whole cluster
  name @3 :Text;            # empty for list and deleteCollection; create takes it from the body
  subresource @4 :Text;     # "status", "scale", "binding", "eviction"; empty: the object
  body @5 :Data;            # JSON. create, update: the object. patch: the patch. delete, deleteCollection: meta/v1
                            # DeleteOptions, or nothing
  patch @6 :PatchKind;
  labelSelector @7 :Text;   # list, deleteCollection
  fieldSelector @8 :Text;   # list, deleteCollection
  limit @9 :UInt32;         # list: so many objects at most, 0: all (over limits::answer_bytes_max: refused with 413)
  continue @10 :Text;       # list: goes on where the answer with this metadata.continue ended
  dryRun @11 :Bool;         # decides, answers, writes nothing
  strict @12 :Bool;         # refuses unknown fields; else they are told of as warnings and dropped

  enum Verb {
    get @0;
    list @1;
    create @2;
    update @3;              # metadata.resourceVersion in the body: refused with 409 if it is not the stored one
    patch @4;
    delete @5;
    deleteCollection @6;
  }
  enum PatchKind {
    merge @0;               # RFC 7396
    strategic @1;           # Kubernetes' own
    json @2;                # RFC 6902
  }
}

struct ObjectAnswer {
  status @0 :UInt16;        # as the HTTP status: 200, 201, 404, 409, ...
  body @1 :Data;            # JSON: the object or list; from 400 on a meta/v1 Status
  warnings @2 :List(Text);
}

# Opens a feed: present objects, then changes. Answered with FeedOpened, or an error (invalid, forbidden, not_found).
struct OpenFeed $Delivery.fleeting(15000) {
  resource @0 :Text;
  namespace @1 :Text;       # empty: all
  labelSelector @2 :Text;
  fieldSelector @3 :Text;
  after @4 :UInt64;         # 0: begin with all present objects. Else: changes after this revision alone; the first
                            # NextObjects fails with errc::expired if the cloud no longer has all of those
}

struct FeedOpened {
  path @0 :Text;            # of the feed, "/cloud/api/feeds/<id>": it takes NextObjects
}

# To a feed: the next batch. Each request is the credit for one batch, so a slow reader is never sent more than it asked
# for. One at a time. Answered with ObjectBatch at once if there is something, else when something changes, else empty
# after limits::feed_wait_ms. Errors: errc::expired (over: too slow, more than limits::watch_queue_bytes_max waits; or
# `after` is compacted): open a new feed from the last revision, or from 0. A feed that nobody asks for
# limits::feed_idle_ms ends.
struct NextObjects $Delivery.fleeting(15000) {
  have @0 :UInt64;          # `sequence` of the last batch received; 0: none yet. The batch before is given up by this; if
                            # the answer to a request was lost, the same request again gets the same batch again
}

struct ObjectBatch $Delivery.fleeting(15000) $Delivery.priority(bulk) {
  sequence @0 :UInt64;      # counts from 1
  changes @1 :List(ObjectChange);
  revision @2 :UInt64;      # all changes up to this revision are in this batch or in those before it; 0 while the
                            # present objects are not complete
  complete @3 :Bool;        # set once, in the batch that ends the present objects
}

struct ObjectChange {
  type @0 :Type;
  object @1 :Data;          # a StoredObject in the flat stream format; gone: its last state

  enum Type {
    present @0;             # was there when the feed began
    put @1;                 # was created or changed, or came into the selection
    gone @2;                # was removed, or left the selection
  }
}
