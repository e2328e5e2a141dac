#pragma once
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <memory>

#include "actors/api/feed_core.hpp"
#include "actors/api/parts.hpp"

namespace skerry::api {

/// Internal state; public only because CAF constructs it.
class object_feed_state {
public:
  static inline const char* name = "object_feed";
  explicit object_feed_state(base::actor* self) : self_(self) {}
  /// However it ends, who waits is told: CAF answers nobody for a promise that is dropped.
  ~object_feed_state();
  caf::behavior make(const parts& p, std::string path, feed_request request);

private:
  struct asked {
    caf::response_promise promise;
    uint64_t have = 0;
    bool local = false;
    int64_t until_ms = 0;
  };
  void open();
  caf::response_promise on_next(uint64_t have, bool local);
  void on_events(const store::events& e);
  void on_tick();
  void answer();
  void end(caf::error why);

  base::actor* self_;
  const parts* parts_ = nullptr;
  std::unique_ptr<feed_core> core_;
  std::optional<asked> asked_;
  caf::error over_;  ///< why it is over, until somebody has been told
  int64_t idle_since_ms_ = 0;
  uint64_t tick_ = 0;
};

/// The actor of one feed (schema/objects.capnp, OpenFeed): subscribes at the store and answers one NextObjects (or
/// feed_next, on the same island) after the other. Ends when the store ends, when its reader is too slow, and when
/// nobody asks any more. Temporary: a reader opens a new one.
caf::behavior object_feed(base::stateful<object_feed_state>* self, const parts* p, std::string path,
                          feed_request request);

}  // namespace skerry::api
