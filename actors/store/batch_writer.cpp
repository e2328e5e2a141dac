#include "actors/store/batch_writer.hpp"

namespace skerry::store {

void batch_write::run() {
  std::lock_guard guard{mutex_};
  if (!called_off_) result_ = kv_.write(*batch_, true);
}

void batch_write::call_off() {
  std::lock_guard guard{mutex_};
  called_off_ = true;
}

caf::behavior batch_writer(base::actor* self, const context* ctx, std::string path) {
  base::prepare(self, *ctx, std::move(path));
  return {[](const write_batch& m) {
    m.write->run();
    return batch_written{};
  }};
}

}  // namespace skerry::store
