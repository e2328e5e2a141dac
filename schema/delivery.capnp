@0x87d61208083e0ed6;
# How a message crosses a link that may be cut: written beside each message struct, read by every island's vocabulary.
# A message without one of the first three is fleeting, with ten seconds to live.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skerry::schema");

annotation durable @0xba60e34a354d992c (struct) :Void;
# Journaled before the send returns; delivered in order for each destination, and its effect applied exactly once,
# through cuts, crashes and restarts of both sides. The receiver answers when the effect is committed; an error as the
# answer refuses it for good (it goes to the dead letters), a crash has it delivered again to the actor's successor.

annotation latest @0xf4c157bd0063baea (struct) :Text;
# State: while it waits, a newer one to the same destination with the same value of the named field replaces the older.
# An empty name: one for each destination. Kept until the receiver has handled it, so the last value always arrives.

annotation fleeting @0xae86bba7a2467e23 (struct) :UInt32;
# Waits for the link at most so many milliseconds (0: not at all); a request then fails with errc::suspended.

annotation priority @0xe0fab058f76b0e4c (struct) :Priority;
# Which queue it waits in; without it: durable messages are facts, all others state.

enum Priority {
  unset @0;
  state @1;       # before all others: small things that steer
  fact @2;        # what happened
  bulk @3;        # large or many, only when nothing else waits
}
