#pragma once
#include <caf/behavior.hpp>
#include <memory>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/ports/kv.hpp"
#include "actors/store/history.hpp"
#include "actors/store/messages.hpp"
#include "actors/store/publisher.hpp"

namespace skerry::store {

struct store_args {
  const context& ctx;
  std::string path;                  ///< such as "/cloud/store"
  ports::kv& kv;                     ///< outlives the actor; nobody else writes under "store/"
  std::shared_ptr<publisher> views;  ///< made by main, kept over restarts of the actor
  caf::actor parent;                 ///< gets `base::ready` once everything is loaded; may be empty
  history_options history;
  bool threads = false;  ///< under load, write from a thread of its own; for a kv that is a disk
};

class store_shell;
struct store_state {
  store_state();
  ~store_state();
  const char* name = "store";
  std::unique_ptr<store_shell> shell;
};

/// The store: the one writer. Takes `commit`, `commit_for`, `subscribe`, `unsubscribe`.
///
/// All commits that wait are folded into one synced write (up to limits::batch_*): each is checked against what those
/// before it leave, then they are written, published, answered, and their events sent. With `threads` and many that
/// commit, the next batch is applied while one is written (decision 0013). A write that fails fails every commit of its
/// batch (errc::full, io, ...), and those that were applied on top of it, and changes nothing. Each commit is answered,
/// also if the actor ends: errc::unavailable then, and it may or may not be on disk.
///
/// Blocks in the kv: spawn it detached where that is a disk. Ends with the error if the kv cannot be loaded.
caf::behavior store_actor(base::stateful<store_state>* self, store_args args);

}  // namespace skerry::store
