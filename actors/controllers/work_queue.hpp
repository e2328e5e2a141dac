#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "actors/store/object.hpp"

namespace skerry::controllers {

/// Which keys a controller must look at, and when: coalesces marks, keeps a key from being worked on twice at once, and
/// spaces the retries of one that fails. Holds each key at most once, so it is bounded by the number of objects. Time
/// is passed in (steady milliseconds). Pure; as client-go's rate-limiting work queue.
class work_queue {
public:
  using key = store::object_key;
  static constexpr int64_t backoff_ms_min = 5;
  static constexpr int64_t backoff_ms_max = 30'000;
  static constexpr int64_t conflict_ms_max = 250;  ///< somebody else wrote: that passes

  /// The key is dirty. While it is worked on, it will be due again when that ends.
  void mark(const key& k);
  /// The key is due at `at_ms`, or earlier if it was so already.
  void mark_at(const key& k, int64_t at_ms);
  /// Takes the next dirty key, in the order of marking; it is then worked on until `done` or `failed`.
  std::optional<key> take(int64_t now_ms);
  /// The work on this key ended well: its failures are forgotten.
  void done(const key& k);
  /// The work on this key failed: due again after a backoff that doubles with each failure, up to
  /// `wait_ms_max`, and at least `wait_ms_min`. Returns that span.
  int64_t failed(const key& k, int64_t now_ms, int64_t wait_ms_max = backoff_ms_max, int64_t wait_ms_min = 0);
  /// Failures of this key in a row.
  uint32_t failures(const key& k) const;

  /// When the next key that waits for its time is due; none if there is no such key.
  std::optional<int64_t> next_due() const;
  bool has_dirty() const { return !dirty_.empty(); }
  size_t working() const { return working_.size(); }
  size_t size() const { return dirty_.size() + due_.size(); }
  /// Forgets all but what is worked on.
  void clear();

private:
  void end(const key& k);
  void unschedule(const key& k);

  std::deque<key> order_;
  std::set<key> dirty_;
  std::map<key, bool> working_;  ///< value: marked again meanwhile
  std::map<key, int64_t> due_;
  std::set<std::pair<int64_t, key>> by_time_;
  std::map<key, uint32_t> failures_;
};

}  // namespace skerry::controllers
