#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/base/context.hpp"
#include "actors/base/directory.hpp"
#include "actors/link/reach.hpp"
#include "actors/ports/kv.hpp"
#include "actors/ports/transport.hpp"
#include "schema/limits.hpp"
#include "schema/path.hpp"
#include "schema/vocabulary.hpp"

/// Actors of other islands by their paths. `resolve` gives a handle that works as one at home: send, request().then(),
/// delegate, response promises and monitors cross the link; what was sent while the link is cut waits, by the rules
/// that the message's schema states (schema/delivery.capnp).
namespace skerry::link {

/// Told to observers of an island's link.
struct link_suspended {
  std::string island;
};
struct link_resumed {
  std::string island;
};

/// Letters that did not arrive, by reason.
struct drop_counts {
  uint64_t expired = 0;    ///< fleeting: the time to live was over
  uint64_t overflow = 0;   ///< a queue was full: the oldest fleeting one made room, or a new one was refused
  uint64_t no_target = 0;  ///< nobody stood at the path
  uint64_t forbidden = 0;  ///< the sender's island may not reach that path
  uint64_t unknown = 0;    ///< of a type that is not in the vocabulary, or of no type at all
  uint64_t corrupt = 0;    ///< the bytes did not check
  uint64_t dead = 0;       ///< durable: refused by its receiver, or crashed it too often (dead letters)
};

/// One link, as it is now. Times are steady milliseconds of the island's clock.
struct link_figures {
  std::string island;
  bool up = false;
  bool held = false;      ///< by `hold`
  int64_t since_ms = 0;   ///< when it came up or was cut the last time; 0: never up
  uint64_t sessions = 0;  ///< how often it came up
  uint64_t letters_in = 0, letters_out = 0, frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0;
  uint64_t waiting = 0, waiting_bytes = 0;          ///< depth: fleeting letters that are not sent
  uint64_t latest_waiting = 0;                      ///< keys not sent, or sent and not settled
  uint64_t latest_conflated = 0;                    ///< replaced by a newer one before they were sent
  uint64_t durable_waiting = 0, durable_bytes = 0;  ///< in the journal
  uint64_t unsettled_bytes = 0;                     ///< sent, and not handled yet as far as is known
  uint64_t calls = 0;                               ///< requests without an answer
  int64_t lag_ms = 0;                               ///< how long the oldest letter has waited to be sent; 0: none waits
  int64_t settled_ms_ago = -1;                      ///< since the last acknowledgement; -1: never
  drop_counts dropped;
};

struct mesh_args {
  caf::actor_system& system;
  const context& ctx;
  base::directory& directory;
  const vocabulary& words;
  std::string island;         ///< "/cloud", "/node/<name>", ...
  std::string uplink;         ///< the one neighbour through which all others are reached; empty: all are neighbours
  ports::kv* kv = nullptr;    ///< for durable letters, keys "mesh/…"; null: they are refused with errc::unsupported
  uint32_t block_ms = 2'000;  ///< how long a sender of durable letters is held while the journal is full; 0: not at all
  size_t window_bytes = limits::letters_window_bytes;  ///< that may wait in mailboxes here, for a link
  reach_policy may_reach = default_reach;
};

class link_end;
class mesh_core;

/// The links of one island, seen from its actors. Built by main; outlives the island's actors; callable from any
/// thread. Not an actor: `mesh_actor` gives it a path (`<island>/mesh`), deadlines and the journal's thread.
class mesh {
public:
  explicit mesh(mesh_args args);
  ~mesh();
  mesh(const mesh&) = delete;
  mesh& operator=(const mesh&) = delete;

  const std::string& island() const;

  /// A handle for who stands at `path`: on this island the actor itself, anywhere else a proxy for the path, which
  /// outlives restarts of what is behind it. Never waits, and needs no link to be up. Errors: errc::invalid (no path),
  /// errc::not_found (of this island, and nobody stands there), errc::forbidden (this island may not reach it).
  caf::expected<caf::actor> resolve(std::string_view path);
  /// The same, with a proxy for paths of this island too: for those who keep handles over restarts.
  caf::expected<caf::actor> bind(std::string_view path);
  /// The path of an actor: of a proxy, the path that it was made for; else where the directory knows it; else an
  /// address "<island>/@<id>", good for as long as the actor lives (and not among the last exported_max).
  std::string path_of(const caf::actor& who);

  /// Sends `who` link_suspended{island} and link_resumed{island} from now on, and at once the one that holds now. Ends
  /// with the actor. Errors: errc::invalid, errc::too_many.
  caf::error observe(const caf::actor& who, std::string_view island);
  /// The island is deleted, not just cut off: what waits for it is dropped, requests to it fail with errc::unavailable,
  /// monitors of its actors fire. Letters that come later start anew.
  void forget(std::string_view island);
  /// Holds all letters to an island as if its link were cut, until `release`. For operators and tests.
  void hold(std::string_view island);
  void release(std::string_view island);

  /// All links, by island.
  std::vector<link_figures> links() const;
  /// Durable letters that could not be delivered: the last 100.
  struct dead_letter {
    int64_t wall_ms = 0;
    std::string from, to, type, why;
  };
  std::vector<dead_letter> dead_letters() const;

  // -- for those who own connections (session, link_client, island_link) ---------------------------------------------

  /// The link to neighbour `island` goes over this connection from now on, in place of an older one. Letters flow once
  /// the other side has said `mesh` too. Errors: errc::invalid.
  caf::expected<std::shared_ptr<link_end>> open(std::string_view island, ports::connection_ptr connection);

  // -- for main and the mesh actor ------------------------------------------------------------------------------------

  /// Reads the journal. Call before the island's actors start. Errors: of the store.
  caf::error load();
  /// Who is woken when there is work for `work`: takes `mesh_work`.
  void attach(const caf::actor& worker);
  /// Syncs the journal, drops what is past its time, tries again what is to be tried again. Returns in how many
  /// milliseconds it wants to be called again; 0: not before it wakes its worker. May block on the disk.
  uint32_t work();
  /// Lets go of all actors; call when they are about to end. Letters are not taken any more.
  void stop();

  mesh_core& core() { return *core_; }

private:
  std::unique_ptr<mesh_core> core_;
};

/// To the mesh's worker: call `work`.
struct mesh_work {};

/// What an actor that keeps its effects in the island's store asks for while it handles a durable letter, so that the
/// effect and the fact that the letter was handled are one write: `if (auto r = receipt_of(self)) r.stamp(batch)`. It
/// then writes the batch (synced or not: the link acknowledges after its own sync) and answers. Batches are written in
/// the order of the letters. Without a stamp the mesh writes the fact after the answer, and a crash in between has the
/// letter delivered once more.
class receipt {
public:
  receipt() = default;
  receipt(mesh_core* core, uint64_t id) : core_(core), id_(id) {}
  explicit operator bool() const { return core_ != nullptr; }
  /// Adds to `batch` that this letter, and all before it to this actor from that journal, have had their effect.
  void stamp(ports::kv_batch& batch) const;

private:
  mesh_core* core_ = nullptr;
  uint64_t id_ = 0;
};
/// The receipt of the message in hand; empty if it is not a durable letter that came over a link.
receipt receipt_of(caf::scheduled_actor* self);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_suspended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::link_resumed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::mesh_work)
