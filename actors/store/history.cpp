#include "actors/store/history.hpp"

#include <algorithm>

#include "actors/store/layout.hpp"

namespace skerry::store {

void history::append(const object& record) {
  auto r = *record;
  entries_.push_back(
      {r.getPrevious(), r.getCommittedMs(), static_cast<uint32_t>(record.bytes().size()), r.getRemoved()});
  bytes_ += record.bytes().size();
}

size_t history::weight(const event_batch& batch) {
  // What is now the state of an object is in memory anyway; what was before is held by the event alone.
  size_t n = 0;
  for (const auto& e : *batch) {
    n += sizeof(event) + (e.before ? e.before.bytes().size() : 0);
    if (e.type == event_type::deleted) n += e.now.bytes().size();
  }
  return n;
}

void history::remember(const event_batch& batch) {
  recent_.push_back(batch);
  recent_events_ += batch->size();
  recent_bytes_ += weight(batch);
  while (!recent_.empty() &&
         (recent_events_ > options_.recent_events_max || recent_bytes_ > options_.recent_bytes_max)) {
    const auto& oldest = recent_.front();
    recent_events_ -= oldest->size();
    recent_bytes_ -= weight(oldest);
    recent_from_ = oldest->back().revision;
    recent_.pop_front();
  }
}

std::vector<event_batch> history::recall(uint64_t after) const {
  auto first = std::partition_point(recent_.begin(), recent_.end(),
                                    [&](const event_batch& b) { return b->back().revision <= after; });
  std::vector<event_batch> out{first, recent_.end()};
  if (!out.empty() && out.front()->front().revision <= after) {
    std::vector<event> rest;
    for (const auto& e : *out.front())
      if (e.revision > after) rest.push_back(e);
    out.front() = std::make_shared<const std::vector<event>>(std::move(rest));
  }
  return out;
}

history::compaction history::plan(int64_t now_ms, uint64_t hold, size_t max) const {
  compaction c;
  auto bytes = bytes_;
  for (const auto& e : entries_) {
    auto left = entries_.size() - c.revisions;
    bool over = left > options_.events_max || bytes > options_.bytes_max;
    bool old = now_ms - e.committed_ms > static_cast<int64_t>(options_.age_ms_max);
    auto revision = compacted_ + c.revisions + 1;
    if ((!over && !old) || revision > hold || c.revisions == max) break;
    if (e.previous != 0) c.batch.remove(layout::record_key(e.previous));
    if (e.removed) c.batch.remove(layout::record_key(revision));
    bytes -= e.bytes;
    c.to = revision;
    ++c.revisions;
  }
  if (c.to != 0) c.batch.put(std::string{layout::compacted_key}, std::to_string(c.to));
  return c;
}

void history::forget(const compaction& done) {
  for (size_t i = 0; i < done.revisions; ++i) {
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
  }
  compacted_ = std::max(compacted_, done.to);
  while (!recent_.empty() && recent_.front()->back().revision <= compacted_) {
    recent_events_ -= recent_.front()->size();
    recent_bytes_ -= weight(recent_.front());
    recent_.pop_front();
  }
  recent_from_ = std::max(recent_from_, compacted_);
}

std::optional<int64_t> history::next_due_ms(int64_t now_ms) const {
  if (entries_.empty()) return std::nullopt;
  return std::max<int64_t>(0, entries_.front().committed_ms + options_.age_ms_max + 1 - now_ms);
}

caf::expected<event_batch> replay(const ports::kv& kv, uint64_t after, uint64_t last) {
  auto out = std::make_shared<std::vector<event>>();
  std::vector<object> records;
  caf::error failed;
  size_t bytes = 0;
  auto scanned = kv.scan(layout::record_key(after + 1), layout::record_key(last + 1),
                         [&](std::string_view, std::string_view value) {
                           auto o = object::from_bytes(std::as_bytes(std::span{value}));
                           if (!o) {
                             failed = o.error();
                             return false;
                           }
                           bytes += value.size();
                           records.push_back(std::move(*o));
                           return records.size() < limits::replay_events_max && bytes < limits::replay_bytes_max;
                         });
  if (!scanned) return scanned.error();
  if (failed) return failed;
  for (auto& now : records) {
    auto r = *now;
    if (r.getRevision() != ++after)
      return make_error(errc::corrupt, "the store's log has no record of revision " + std::to_string(after));
    event e{r.getRemoved() ? event_type::deleted : event_type::added, now, {}, after};
    if (r.getPrevious() != 0) {
      auto stored = kv.get(layout::record_key(r.getPrevious()));
      if (!stored) return stored.error();
      if (!*stored)
        return make_error(errc::corrupt,
                          "the store's log has no record of revision " + std::to_string(r.getPrevious()));
      auto before = object::from_bytes(std::as_bytes(std::span<const char>{**stored}));
      if (!before) return before.error();
      e.before = std::move(*before);
      if (e.type == event_type::added) e.type = event_type::modified;
    }
    out->push_back(std::move(e));
  }
  return event_batch{std::move(out)};
}

}  // namespace skerry::store
