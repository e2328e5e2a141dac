#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/expected.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "actors/store/object.hpp"

namespace skerry::store {

enum class verb : uint8_t { create, update, remove };

/// One change. Of several in a commit all are applied, or none.
struct change {
  verb what = verb::create;
  draft object;                               ///< remove: only `key` is read
  std::optional<uint64_t> expected_revision;  ///< update, remove: errc::conflict if the stored one differs
  std::string expected_uid;                   ///< update, remove: errc::conflict if not empty and differs
};

/// To the store: commit these changes under one revision each, in order.
/// Answered with `committed`, after the batch it fell into is synced and published; or errc::already_exists, not_found,
/// conflict, too_large, full, io, with a message that names the object; or unavailable if the store ended meanwhile:
/// then it may have been committed.
struct commit {
  std::vector<change> changes;
};
struct committed {
  std::vector<object> objects;  ///< as stored; for a remove the last state, with the revision of the removal
  uint64_t revision = 0;        ///< of the last change
};

/// Who waits for one of the commits that somebody sends on behalf of many.
class ticket {
public:
  virtual ~ticket() = default;
};
using ticket_ptr = std::shared_ptr<ticket>;

/// As `commit`, and cheaper for who sends many: not a request. `to` gets one `settled` for all that fell into a batch,
/// with what `commit` would have been answered. If the store dies with this in its mailbox, the ticket is let go.
struct commit_for {
  caf::actor to;
  ticket_ptr by;
  std::vector<change> changes;
};
struct settlement {
  ticket_ptr by;
  caf::expected<committed> result;
};
struct settled {
  std::vector<settlement> all;
};

enum class event_type : uint8_t { added, modified, deleted };
struct event {
  event_type type = event_type::added;
  object now;     ///< deleted: the last state, its JSON with the revision of the removal
  object before;  ///< empty for added
  uint64_t revision = 0;
};
using event_batch = std::shared_ptr<const std::vector<event>>;

/// To the store: send `events` of these resources (empty: all) with revision > `after` to `who`, each once, in order,
/// from now on until `unsubscribe` or the death of `who`. Answered with `subscribed`; errc::expired if `after` is older
/// than view::compacted(). Subscribers filter for themselves: the batch is shared by all.
struct subscribe {
  std::vector<std::string> resources;
  uint64_t after = 0;
  caf::actor who;
};
struct subscribed {
  uint64_t revision = 0;
};
struct unsubscribe {
  caf::actor who;
};
/// From the store to a subscriber, sent after the commit is published and answered. Holds changes of all resources that
/// were committed together; `revision` is the newest.
struct events {
  event_batch batch;
  uint64_t revision = 0;
};

/// From the store to a subscriber, whose subscription is over: what it has not got could not be read. Subscribe anew.
struct lost {
  caf::error why;
};

}  // namespace skerry::store

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::commit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::commit_for)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::subscribe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::subscribed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::unsubscribe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::events)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::lost)
