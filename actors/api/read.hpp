#pragma once
#include <deque>
#include <mutex>
#include <variant>

#include "actors/api/representation.hpp"
#include "actors/api/selection.hpp"
#include "actors/store/view.hpp"

namespace skerry::api {

/// Views kept for lists that go on page by page, so that all pages are of one revision; the oldest go first.
class paged_views {
public:
  void keep(store::view_ptr v);
  /// The view of exactly this revision, or nothing.
  store::view_ptr find(uint64_t revision) const;

private:
  static constexpr size_t kept_max = 8;
  mutable std::mutex mutex_;
  std::deque<store::view_ptr> kept_;
};

/// Answers a GET of one object.
std::variant<reply, failure> get_object(const store::view& view, const target& t, const representation& r,
                                        int64_t now_ms);

/// Answers a LIST: selectors, limit, continue, resourceVersion (the newest state is served always, which satisfies
/// every resourceVersionMatch but Exact of an older one).
std::variant<reply, failure> list_objects(const store::view_ptr& view, const target& t, const query& q,
                                          const representation& r, paged_views& pages, int64_t now_ms);

/// Reads a resourceVersion: nothing if it is not a number.
std::optional<uint64_t> parse_revision(std::string_view text);

}  // namespace skerry::api
