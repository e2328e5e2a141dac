#pragma once
#include <caf/expected.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::ports {

/// The bytes of a value: its own, or some that others have too, so that what is written is not copied to be written.
/// Immutable; none at all is not the same as empty.
class kv_value {
public:
  kv_value() = default;
  kv_value(std::string own) : text_(std::move(own)), there_(true) {}
  kv_value(const char* own) : kv_value(std::string{own}) {}
  /// `bytes` stay as they are while `owner` lives.
  kv_value(std::shared_ptr<const void> owner, std::string_view bytes)
      : owner_(std::move(owner)), shared_(bytes), there_(true) {}

  explicit operator bool() const { return there_; }
  std::string_view bytes() const { return owner_ ? shared_ : std::string_view{text_}; }

private:
  std::string text_;
  std::shared_ptr<const void> owner_;
  std::string_view shared_;
  bool there_ = false;
};

/// One atomic set of changes, applied in order.
struct kv_batch {
  struct change {
    std::string key;
    kv_value value;  ///< none: remove the key
  };
  std::vector<change> changes;

  void put(std::string key, kv_value value) { changes.push_back({std::move(key), std::move(value)}); }
  void remove(std::string key) { changes.push_back({std::move(key), {}}); }
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
