#pragma once

#include "actors/api/watch_stream.hpp"
#include "actors/base/actor.hpp"

namespace skerry::api {

/// From a starter to the hub: the stream has all up to its revision; go on.
struct adopt_watch {
  watch_stream_ptr stream;
};

/// Brings one watch to the present: sends the objects that are there, or replays from the store's log what came after
/// the client's revision, and hands the stream to the hub. An actor of its own, so that one long replay delays no other
/// watch. Temporary: if it crashes the stream ends, and its client asks again.
class watch_start_state {
public:
  static inline const char* name = "watch_start";
  explicit watch_start_state(base::actor* self) : self_(self) {}
  caf::behavior make(const parts& p, std::string path, caf::actor hub, watch_stream_ptr stream, bool present);

private:
  void open(bool present);
  void replay();
  void on_events(const store::events& e);
  void hand_over();
  void fail(const failure& f);
  void finish();

  base::actor* self_;
  const parts* parts_ = nullptr;
  caf::actor hub_;
  watch_stream_ptr stream_;
  uint64_t target_ = 0;  ///< what the store stood at when it took the subscription
};
/// `present`: begin with the objects that are there; else with what came after the stream's revision.
caf::behavior watch_start(base::stateful<watch_start_state>* self, const parts* p, std::string path, caf::actor hub,
                          watch_stream_ptr stream, bool present);

/// The failure that a client is told when a watch cannot be fed.
failure watch_failure(const caf::error& e, const kube::resource_info& info);

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::adopt_watch)
