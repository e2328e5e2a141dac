#include "sim/ports/memory_kv.hpp"

namespace skerry::sim {

void memory_kv::apply(table& t, const ports::kv_batch& batch) {
  for (const auto& c : batch.changes) {
    if (c.value)
      t[c.key] = *c.value;
    else
      t.erase(c.key);
  }
}

caf::expected<void> memory_kv::write(const ports::kv_batch& batch, bool sync) {
  std::lock_guard guard{mutex_};
  if (failure_) return failure_;
  ++writes_;
  apply(now_, batch);
  unsynced_.push_back(batch);
  if (sync) {
    ++syncs_;
    for (const auto& b : unsynced_) apply(durable_, b);
    unsynced_.clear();
  }
  return caf::unit;
}

caf::expected<std::optional<std::string>> memory_kv::get(std::string_view key) const {
  std::lock_guard guard{mutex_};
  auto i = now_.find(key);
  if (i == now_.end()) return std::optional<std::string>{};
  return std::optional<std::string>{i->second};
}

caf::expected<void> memory_kv::scan(std::string_view first, std::string_view last,
                                    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  table snapshot;
  {
    std::lock_guard guard{mutex_};
    for (auto i = now_.lower_bound(first); i != now_.end() && (last.empty() || i->first < last); ++i)
      snapshot.insert(snapshot.end(), *i);
  }
  for (const auto& [key, value] : snapshot)
    if (!visit(key, value)) break;
  return caf::unit;
}

void memory_kv::crash() {
  std::lock_guard guard{mutex_};
  unsynced_.clear();
  now_ = durable_;
}

void memory_kv::fail_writes(caf::error why) {
  std::lock_guard guard{mutex_};
  failure_ = std::move(why);
}

size_t memory_kv::writes() const {
  std::lock_guard guard{mutex_};
  return writes_;
}

size_t memory_kv::syncs() const {
  std::lock_guard guard{mutex_};
  return syncs_;
}

}  // namespace skerry::sim
