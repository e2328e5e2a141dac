#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>

#include "actors/api/parts.hpp"
#include "actors/api/watch.hpp"

namespace skerry::api {

/// To the hub, from a connection: this stream is over.
struct watch_closed {
  uint64_t id = 0;
};

/// One watch and the way to its client. Belongs to one actor at a time: to the starter that sends what was there
/// before, then to the hub. If it is dropped, the exchange ends the stream, and the client asks again from where it
/// stood.
class watch_stream {
public:
  /// `id` is unique among the watches of `hub`.
  watch_stream(const parts& p, watch_request r, ports::http_exchange_ptr exchange, uint64_t id);

  /// Starts the answer. When the client goes, `hub` gets `watch_closed`.
  void begin(const caf::actor& hub);
  /// All of these return false if the client is gone, or too slow (limits::watch_queue_bytes_max): the stream is over.
  bool present(const store::view& v);
  bool catch_up(const store::events& e);
  bool bookmark(uint64_t at, bool initial_end = false);
  bool alive() { return exchange_->write({}); }
  /// Adds the frame of a change to what `send` sends; `shared` is object_frame() of the same change, made by who asks
  /// first.
  void add(watch_change what, const store::object& o, int64_t now_ms, std::shared_ptr<const std::string>& shared);
  bool added() const { return !waiting_.empty(); }
  bool send();
  /// Sends an ERROR frame; end() comes next.
  void fail(const failure& f) { exchange_->write(core_.error(f)); }
  void end() { exchange_->end_stream(); }

  const watch_request& request() const { return core_.request(); }
  watch_change effect_of(const store::event& e) const { return core_.effect_of(e); }
  bool shows_age() const { return request().how.what == form::table; }
  uint64_t id() const { return id_; }

  uint64_t revision = 0;  ///< all up to here was sent when the hub took it
  int64_t end_ms = 0;     ///< steady
  int64_t bookmark_ms = 0;

  static constexpr int64_t bookmark_every_ms = 60'000;

private:
  const parts& parts_;
  watch_core core_;
  ports::http_exchange_ptr exchange_;
  ports::http_body waiting_;
  uint64_t id_;
  bool begun_ = false;
};
using watch_stream_ptr = std::shared_ptr<watch_stream>;

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::watch_closed)
