#pragma once
#include <caf/stateful_actor.hpp>
#include <memory>
#include <optional>

#include "actors/api/parts.hpp"
#include "actors/api/read.hpp"
#include "actors/store/messages.hpp"

namespace skerry::api {

/// What a client asked to watch.
struct watch_request {
  const kube::resource_info* info = nullptr;
  selection selected;
  representation how;
  std::optional<uint64_t> after;  ///< nothing: begin with all present objects as ADDED
  bool bookmarks = false;         ///< allowWatchBookmarks
  bool initial_mark = false;      ///< sendInitialEvents: a bookmark ends the present objects
  int64_t timeout_s = 0;          ///< 0: between 30 and 60 minutes, as kube-apiserver
};

/// Reads resourceVersion, resourceVersionMatch, sendInitialEvents, allowWatchBookmarks, timeoutSeconds and the
/// selectors.
std::variant<watch_request, failure> read_watch(const target& t, const query& q, const representation& r);

/// A watch without its actor: turns changes into frames of the stream (one JSON object a line).
class watch_core {
public:
  explicit watch_core(watch_request r) : request_(std::move(r)) {}

  const watch_request& request() const { return request_; }
  /// An object that was there before the watch began; nothing if it is not selected.
  std::optional<ports::http_body> present(const store::object& o, int64_t now_ms);
  /// A change. One that makes an object enter the selection is ADDED, one that makes it leave is DELETED.
  std::optional<ports::http_body> change(const store::event& e, int64_t now_ms);
  ports::http_body bookmark(uint64_t revision, bool initial_end = false) const;
  ports::http_body error(const failure& f) const;

private:
  ports::http_body frame(std::string_view type, const store::object& o, int64_t now_ms);
  watch_request request_;
  bool columns_sent_ = false;
};

/// The actor of one watch: subscribes at the store and writes to the exchange until the client goes, the time is over,
/// or the client is too slow (limits::watch_queue_bytes_max). Temporary: a client begins anew by itself.
class watch_state {
public:
  static inline const char* name = "watch";
  explicit watch_state(caf::event_based_actor* self) : self_(self) {}
  caf::behavior make(const parts& p, std::string path, watch_request request, ports::http_exchange_ptr exchange);

private:
  void open();
  void send_present();
  void on_events(const store::events& e);
  void tick();
  void finish();
  bool write(ports::http_body frame);

  caf::event_based_actor* self_;
  const parts* parts_ = nullptr;
  std::optional<watch_core> core_;
  ports::http_exchange_ptr exchange_;
  uint64_t revision_ = 0;
  int64_t end_ms_ = 0, bookmark_ms_ = 0;
};
caf::behavior watch(caf::stateful_actor<watch_state>* self, const parts* p, std::string path, watch_request request,
                    ports::http_exchange_ptr exchange);

}  // namespace skerry::api
