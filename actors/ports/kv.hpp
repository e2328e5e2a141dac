#pragma once
#include <caf/expected.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::ports {

/// One atomic set of changes, applied in order.
struct kv_batch {
  struct change {
    std::string key;
    std::optional<std::string> value;  ///< empty: remove the key
  };
  std::vector<change> changes;

  void put(std::string key, std::string value) { changes.push_back({std::move(key), std::move(value)}); }
  void remove(std::string key) { changes.push_back({std::move(key), std::nullopt}); }
};

/// An ordered key-value store with atomic batches (LevelDB in drivers/kv; shaped so that etcd can stand behind it).
/// Blocking: call it from an actor of its own thread. Callable from any thread.
class kv {
public:
  virtual ~kv() = default;
  /// Applies a batch whole or not at all. When it returns with `sync`, the batch survives a power cut.
  /// Errors: errc::io, errc::full, errc::corrupt.
  virtual caf::expected<void> write(const kv_batch& batch, bool sync) = 0;
  /// When it returns, all batches that were written before the call survive a power cut, and writers were not held up
  /// where the store can do that. Errors: as write.
  virtual caf::expected<void> sync() { return write({}, true); }
  /// The value of a key, or none. Errors: errc::io, errc::corrupt.
  virtual caf::expected<std::optional<std::string>> get(std::string_view key) const = 0;
  /// Calls `visit(key, value)` in key order for first <= key < last (an empty `last`: to the end), over one consistent
  /// snapshot, until it returns false. Errors: errc::io, errc::corrupt.
  virtual caf::expected<void> scan(std::string_view first, std::string_view last,
                                   const std::function<bool(std::string_view, std::string_view)>& visit) const = 0;
  /// Frees the space of removed keys in a range, in the background where it can.
  virtual void compact(std::string_view first, std::string_view last) = 0;
};

}  // namespace skerry::ports
