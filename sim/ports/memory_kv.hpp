#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/kv.hpp"

namespace skerry::sim {

/// An ordered key-value store in memory, with what a disk does to its user: synced writes survive `crash`, others are
/// lost; a full or broken disk refuses writes, whole.
class memory_kv : public ports::kv {
public:
  caf::expected<void> write(const ports::kv_batch& batch, bool sync) override;
  caf::expected<std::optional<std::string>> get(std::string_view key) const override;
  caf::expected<void> scan(std::string_view first, std::string_view last,
                           const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  void compact(std::string_view, std::string_view) override {}

  /// Drops what was written since the last synced write, as a power cut does.
  void crash();
  /// From now on it says that a write is synced which is not: a disk that lies, to show that somebody notices.
  void ignore_syncs(bool on);
  /// Refuses all writes with this error until called with none.
  void fail_writes(caf::error why);
  /// How many writes were made, and how many of them synced.
  size_t writes() const;
  size_t syncs() const;

private:
  using table = std::map<std::string, ports::kv_value, std::less<>>;
  void apply(const ports::kv_batch& batch, bool keep_old);

  mutable std::mutex mutex_;
  table now_;
  /// What each unsynced change replaced, oldest first.
  std::vector<std::pair<std::string, ports::kv_value>> replaced_;
  caf::error failure_;
  bool lies_ = false;
  size_t writes_ = 0, syncs_ = 0;
};

}  // namespace skerry::sim
