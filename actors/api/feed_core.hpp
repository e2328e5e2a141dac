#pragma once
#include <deque>
#include <optional>
#include <string>

#include "actors/api/selection.hpp"
#include "actors/store/messages.hpp"
#include "actors/store/view.hpp"
#include "schema/error.hpp"
#include "schema/objects.capnp.h"

namespace skerry::api {

/// What a feed is to tell of.
struct feed_request {
  const kube::resource_info* info = nullptr;
  selection selected;
  uint64_t after = 0;  ///< 0: begin with all present objects
};
/// Errors: errc::invalid (unknown resource, malformed selector).
caf::expected<feed_request> read_feed(schema::OpenFeed::Reader r, const kube::registry& registry);

struct feed_change {
  schema::ObjectChange::Type type;
  store::object object;
};
/// As schema::ObjectBatch, with objects that are shared and not copied: for readers on the same island.
struct feed_batch {
  uint64_t sequence = 0, revision = 0;
  bool complete = false;
  std::vector<feed_change> changes;
};
/// Local form of schema::NextObjects; answered with feed_batch.
struct feed_next {
  uint64_t have = 0;
};
letter<schema::ObjectBatch> to_letter(const feed_batch& b);

/// A feed without its actor: which objects go into which batch. Present objects are read off one view piece by piece,
/// so that a reader which is slow with them costs a cursor; changes since wait in a queue that is bounded by bytes.
class feed_core {
public:
  explicit feed_core(feed_request r) : request_(std::move(r)) {}
  const feed_request& request() const { return request_; }

  /// Begins on this view; returns the revision after which changes are to be taken. Errors: errc::expired if the view
  /// is not as far as `after`.
  caf::expected<uint64_t> begin(store::view_ptr v);
  /// Takes what the store tells. Errors: errc::expired when more than limits::watch_queue_bytes_max waits: it is over.
  caf::error take(const store::events& e);
  /// Does the next batch tell of anything?
  bool ready() const { return !complete_ || !waiting_.empty(); }
  /// The batch after number `have`, empty ones too; or the last one again if its number is `have` + 1. Errors:
  /// errc::invalid for any other number.
  caf::expected<feed_batch> next(uint64_t have);
  /// Whether `have` asks for the last batch once more.
  bool again(uint64_t have) const { return last_.sequence > 0 && have + 1 == last_.sequence; }

private:
  void read_present(feed_batch& b);
  void read_changes(feed_batch& b);

  feed_request request_;
  store::view_ptr view_;  ///< while present objects are read
  std::string cursor_;
  bool complete_ = false;
  uint64_t revision_ = 0;  ///< of the last event taken
  std::deque<feed_change> waiting_;
  size_t waiting_bytes_ = 0;
  feed_batch last_;
};

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::feed_next)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::feed_batch)
