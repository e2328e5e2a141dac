#include "sim/ports/memory_kv.hpp"

namespace skerry::sim {

void memory_kv::apply(const ports::kv_batch& batch, bool keep_old) {
  for (const auto& c : batch.changes) {
    auto i = now_.find(c.key);
    if (keep_old) replaced_.emplace_back(c.key, i == now_.end() ? ports::kv_value{} : i->second);
    if (!c.value) {
      if (i != now_.end()) now_.erase(i);
    } else if (i != now_.end()) {
      i->second = c.value;
    } else {
      now_.emplace(c.key, c.value);
    }
  }
}

caf::expected<void> memory_kv::write(const ports::kv_batch& batch, bool sync) {
  std::lock_guard guard{mutex_};
  if (failure_) return failure_;
  ++writes_;
  apply(batch, !sync || lies_);
  if (sync) ++syncs_;
  if (sync && !lies_) {
    replaced_.clear();
    replaced_.shrink_to_fit();
  }
  return caf::unit;
}

caf::expected<std::optional<std::string>> memory_kv::get(std::string_view key) const {
  std::lock_guard guard{mutex_};
  auto i = now_.find(key);
  if (i == now_.end()) return std::optional<std::string>{};
  return std::optional<std::string>{i->second.bytes()};
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
    if (!visit(key, value.bytes())) break;
  return caf::unit;
}

void memory_kv::crash() {
  std::lock_guard guard{mutex_};
  for (; !replaced_.empty(); replaced_.pop_back()) {
    auto& [key, old] = replaced_.back();
    if (old)
      now_[key] = std::move(old);
    else
      now_.erase(key);
  }
}

void memory_kv::ignore_syncs(bool on) {
  std::lock_guard guard{mutex_};
  lies_ = on;
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
