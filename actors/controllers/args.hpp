#pragma once
#include <caf/actor.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "actors/base/context.hpp"
#include "actors/store/messages.hpp"
#include "actors/store/view.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::controllers {

/// What every controller is built from. The references outlive all actors.
struct controller_args {
  const context& ctx;
  store::reader& reader;              ///< where the newest view is
  std::function<caf::actor()> store;  ///< the store's present actor, empty while its supervisor restarts it; any thread
  const kube::registry& registry;
};

/// The now of one reconcile, and its chance: uids and suffixes of names come from it.
struct moment {
  int64_t now_ms;  ///< Unix milliseconds, for stamps in objects
  ports::random& random;
  uint32_t attempt = 0;  ///< how often this key failed in a row: who writes much at once should then write less
};

/// What a reconcile wants done. Each commit is applied whole or not at all, independent of the others.
struct effects {
  std::vector<store::commit> commits;
  std::optional<int64_t> requeue_ms;  ///< look at this key again after so long, even if nothing changes

  /// Adds changes as one commit; nothing if there are none.
  void commit(std::vector<store::change> changes) {
    if (!changes.empty()) commits.push_back({std::move(changes)});
  }
  /// Adds one change as a commit of its own.
  void commit_one(store::change c) {
    std::vector<store::change> changes;
    changes.push_back(std::move(c));  // a list in braces would copy all of its JSON
    commit(std::move(changes));
  }
  /// Asks to be called again after `ms`, or sooner if that was asked before.
  void requeue(int64_t ms) { requeue_ms = requeue_ms ? std::min(*requeue_ms, ms) : ms; }
};

}  // namespace skerry::controllers
