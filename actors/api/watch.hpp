#pragma once
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

/// What a change is to one watch: one that makes an object enter the selection is ADDED, one that makes it leave is
/// DELETED.
enum class watch_change : uint8_t { none, added, modified, deleted };

/// A watch without its stream: turns changes into frames (one JSON object a line).
class watch_core {
public:
  explicit watch_core(watch_request r) : request_(std::move(r)) {}

  const watch_request& request() const { return request_; }
  watch_change effect_of(const store::event& e) const;
  ports::http_body frame(watch_change what, const store::object& o, int64_t now_ms);
  ports::http_body bookmark(uint64_t revision, bool initial_end = false) const;
  ports::http_body error(const failure& f) const;

private:
  watch_request request_;
  bool columns_sent_ = false;
};

/// The frame of an object as it is stored (form::object): the same for all watches that it is the same change to.
std::shared_ptr<const std::string> object_frame(watch_change what, const store::object& o);

}  // namespace skerry::api
