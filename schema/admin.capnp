@0xfc6b4b8c3e86ee04;
# What operators ask a running island, and what it answers: the letters between the REPL (docs/repl.md) and the actor
# `<island>/admin` that every island has (supervisors/inspector.hpp).
#
# Each `Ask...`, `Kill`, `Restart`, ... is a request; the answer is the struct named beside it, or an error: not_found
# (nobody stands at the path), invalid (no path of this island), timed_out (a supervisor is stuck). All are fleeting:
# behind a cut link they wait ten seconds, and the request then fails with `suspended`. Lists are bounded; what is left
# out is counted in `left`. Times are durations in the unit at the end of the name, but `atMs`, which is Unix time.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

# -- what stands where -----------------------------------------------------------------------------------------------

struct AskTree {              # -> Tree
  path @0 :Text;              # whose subtree; empty: that of the island's root
  levels @1 :UInt16 = 65535;  # below it
  limit @2 :UInt32;           # actors at most; 0: as many as fit (2,000)
}

struct Tree {
  actors @0 :List(ActorView); # depth first: each after its supervisor
  left @1 :UInt64;            # so many more stand there
}

struct ActorView {
  path @0 :Text;
  kind @1 :Kind;
  phase @2 :Phase;
  rule @3 :Rule;              # when its supervisor starts it again; permanent for the root
  restarts @4 :UInt32;
  waiting @5 :UInt64;         # messages in its mailbox, with the one in hand
  handled @6 :UInt64;         # messages since it started
  busyUs @7 :UInt64;          # time that it had a thread to itself
  stuckMs @8 :UInt64;         # how long it is in its present turn; 0: in none
  upMs @9 :Int64 = -1;        # since it started; -1: it does not run
  actor @10 :UInt64;          # its number in this process; 0: it does not run
  lastMessage @11 :Text;      # the type of the message that it took up last
  children @12 :UInt64;       # of a supervisor or pool
  silent @13 :Bool;           # a supervisor that did not answer in time: what is below it is not known

  enum Kind {
    worker @0;
    supervisor @1;
    pool @2;                  # a supervisor of like children that come and go
  }
  enum Phase {
    down @0;                  # ended, or not yet started
    paused @1;                # crashed too often; it is started again when its pause is over
    starting @2;              # not ready yet
    running @3;
    stopping @4;              # was asked to stop
    killed @5;                # was too late and killed; it ends when the handler that it is in returns
  }
  enum Rule {
    permanent @0;             # always
    transient @1;             # after an abnormal end
    temporary @2;             # never
  }
}

struct AskList {              # -> Names
  path @0 :Text;              # whose next level; empty: that of the island's root
  start @1 :Text;             # names that begin with this
  limit @2 :UInt32;           # names at most; 0: 1,000
}

struct Names {
  names @0 :List(Name);       # in order
  more @1 :Bool;              # there are more than the limit

  struct Name {
    name @0 :Text;
    below @1 :Bool;           # something stands below it
  }
}

struct AskInfo {              # -> Info
  path @0 :Text;
}

struct Info {
  actor @0 :ActorView;
  supervisor @1 :Text;        # path; empty for the root
  how @2 :Text;               # of a supervisor: "one_for_one, at most 10 restarts in 30000 ms"; else empty
  crashes @3 :List(CrashView);  # its own, of those that are kept; newest last
}

# -- what went wrong -------------------------------------------------------------------------------------------------

struct AskCrashes {           # -> Crashes
  path @0 :Text;              # of what stands there or below; empty: all of the island
  limit @1 :UInt32;           # the latest so many; 0: all that are kept (256)
}

struct Crashes {
  crashes @0 :List(CrashView);  # newest last
  total @1 :UInt64;           # that there were since the island started, of all paths
}

struct CrashView {
  atMs @0 :Int64;
  path @1 :Text;
  why @2 :Text;
  restarts @3 :UInt32;        # how often it had been restarted before
  lastMessage @4 :Text;       # the type of the message that it took up last
}

# -- links -----------------------------------------------------------------------------------------------------------

struct AskLinks {}            # -> Links

struct Links {
  links @0 :List(LinkView);
  left @1 :UInt64;
  forgotten @2 :UInt64;       # letters dropped with links that are no more: they waited for islands that are gone for good
}

struct LinkView {
  island @0 :Text;
  up @1 :Bool;
  held @2 :Bool;              # by `Suspend`
  sinceMs @3 :Int64 = -1;     # since it came up or was cut; -1: it was never up
  sessions @4 :UInt64;        # how often it came up
  lagMs @5 :Int64;            # how long the oldest letter has waited to be sent
  ackMs @6 :Int64 = -1;       # since the last acknowledgement; -1: there was none
  fleeting @7 :UInt64;        # letters that wait, by their delivery (schema/delivery.capnp)
  latest @8 :UInt64;
  durable @9 :UInt64;
  waitingBytes @10 :UInt64;   # of all that wait
  calls @11 :UInt64;          # requests without an answer
  lettersIn @12 :UInt64;
  lettersOut @13 :UInt64;
  bytesIn @14 :UInt64;
  bytesOut @15 :UInt64;
  conflated @16 :UInt64;      # latest ones that a newer one replaced before they were sent
  drops :group {
    expired @17 :UInt64;      # fleeting: the time to live was over
    overflow @18 :UInt64;     # a queue was full
    noTarget @19 :UInt64;     # nobody stood at the path
    forbidden @20 :UInt64;
    unknown @21 :UInt64;      # of a type that is not known here
    corrupt @22 :UInt64;
    dead @23 :UInt64;         # durable: refused by the receiver, or crashed it too often
  }
}

struct Suspend {              # -> Done. Holds the link to an island as if it were cut, until Resume or a restart
  island @0 :Text;            # "/node/n1"
}

struct Resume {               # -> Done
  island @0 :Text;
}

# -- acting ----------------------------------------------------------------------------------------------------------

struct Kill {                 # -> Done. Ends an actor as a crash would
  path @0 :Text;
}

struct Restart {              # -> Done, once the new actor is spawned. Its supervisor stops it and starts it again
  path @0 :Text;
}

struct SetLogLevel {          # -> LogLevel
  level @0 :Severity;
}

struct LogLevel {
  was @0 :Severity;
  now @1 :Severity;
}

enum Severity {
  debug @0;
  info @1;
  warning @2;
  error @3;
}

struct Done {}

# -- watching --------------------------------------------------------------------------------------------------------

struct AskTop {               # -> Top, after windowMs
  path @0 :Text;              # what stands there or below; empty: all of the island
  limit @1 :UInt32;           # actors at most; 0: 20
  windowMs @2 :UInt32 = 1000; # over which it is counted; at most 5,000
}

struct Top {
  actors @0 :List(Busy);      # busiest first; those that did nothing are left out
  windowMs @1 :UInt32;        # as it was
  seen @2 :UInt64;            # actors that were looked at

  struct Busy {
    path @0 :Text;
    busyUs @1 :UInt64;        # within the window
    handled @2 :UInt64;       # within the window
    waiting @3 :UInt64;
    lastMessage @4 :Text;
  }
}

struct TraceOn {              # -> Done. `Traced` letters come to the sender, until leaseMs are over. Again: renews
  path @0 :Text;
  leaseMs @1 :UInt32 = 15000; # at most 60,000
}

struct TraceOff {             # -> Done. Ends the sender's trace of this path
  path @0 :Text;
}

struct Traced {               # a message that an actor takes up
  path @0 :Text;              # of the actor
  atMs @1 :Int64;
  sender @2 :Text;            # path, or "<island>/@<number>"; empty: none is known
  request @3 :Bool;           # an answer is wanted
  answer @4 :Bool;            # it is one
  name @5 :Text;              # of the type: "AskTree" of a letter, "skerry::store::write" of a local message
  type @6 :UInt64;            # Cap'n Proto id of a letter; 0: a local message, which has no bytes
  bytes @7 :Data;             # of a letter, in the flat stream format; empty if it is larger than 64 KiB
  size @8 :UInt64;            # of the letter in bytes
  missed @9 :UInt64;          # messages before this one that are not shown: more came than can be followed
}
