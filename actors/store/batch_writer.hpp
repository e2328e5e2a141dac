#pragma once
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>
#include <mutex>

#include "actors/base/context.hpp"
#include "actors/ports/kv.hpp"

namespace skerry::store {

/// One batch on its way to the disk by another thread.
class batch_write {
public:
  batch_write(ports::kv& kv, std::shared_ptr<const ports::kv_batch> batch) : kv_(kv), batch_(std::move(batch)) {}

  /// Writes it, synced; not at all once it is called off.
  void run();
  /// Waits for the end of a write that has begun; one that has not is never made. After this nobody writes any more.
  void call_off();
  /// After `run`.
  const caf::expected<void>& result() const { return result_; }

private:
  ports::kv& kv_;
  std::shared_ptr<const ports::kv_batch> batch_;
  std::mutex mutex_;  ///< held while it is written
  bool called_off_ = false;
  caf::expected<void> result_{caf::unit};
};

/// To the writer; it answers the sender with `batch_written`.
struct write_batch {
  std::shared_ptr<batch_write> write;
};
struct batch_written {};

/// Writes batches for the store, so that the store applies the next commits meanwhile. Blocks: spawn it detached.
/// `ctx` outlives it.
caf::behavior batch_writer(base::actor* self, const context* ctx, std::string path);

}  // namespace skerry::store

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::write_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::batch_written)
