#include "actors/sdk/reconciler.hpp"

namespace skerry::sdk {
namespace {
constexpr size_t keys_per_turn = 16;     ///< then the actor's other messages get their turn
constexpr int64_t tick_ms_max = 60'000;  ///< timers cannot be cancelled: none far ahead
constexpr uint32_t failures_warned = 6;  ///< conflicts are daily business, as many in a row are not
}  // namespace

reconciler::reconciler(caf::event_based_actor* self, const context& ctx, reconciler_args args, work w)
    : self_(self),
      ctx_(ctx),
      args_(std::move(args)),
      work_(std::move(w)),
      retries_(args_.retries_per_second, args_.retries_burst),
      timer_(self) {}

void reconciler::mark(const key& k) {
  queue_.mark(k);
  wake(0);
}

void reconciler::mark_after(const key& k, int64_t ms) {
  queue_.mark_at(k, ctx_.clock.steady_ms() + std::max<int64_t>(ms, 1));
  wake(static_cast<uint32_t>(std::clamp<int64_t>(ms, 1, tick_ms_max)));
}

void reconciler::resume() {
  paused_ = false;
  wake(0);
}

/// Runs in `ms`, or sooner if that is on its way already.
void reconciler::wake(uint32_t ms) {
  if (paused_) return;
  auto at = ctx_.clock.steady_ms() + ms;
  if (wake_at_ms_ != 0 && wake_at_ms_ <= at) return;
  wake_at_ms_ = at;
  timer_.arm(ms, [this] {
    wake_at_ms_ = 0;
    run();
  });
}

void reconciler::run() {
  if (paused_) return;
  auto now = ctx_.clock.steady_ms();
  for (size_t n = 0; n < keys_per_turn && queue_.working() < args_.working_max; ++n) {
    auto k = queue_.take(now);
    if (!k) break;
    begin(*k);
  }
  if (queue_.working() >= args_.working_max) return;  // who ends wakes us
  if (queue_.has_dirty()) return wake(0);
  if (auto due = queue_.next_due()) wake(static_cast<uint32_t>(std::clamp<int64_t>(*due - now, 1, tick_ms_max)));
}

void reconciler::begin(const key& k) {
  auto ended = std::make_shared<bool>(false);
  auto finish = [this, k, ended, alive = std::weak_ptr<const bool>{alive_}](outcome how) {
    if (!alive.lock() || std::exchange(*ended, true)) return;
    end(k, how);
  };
  try {
    work_(k, finish);
  } catch (const std::exception& e) {
    finish(outcome::failed(skerry::make_error(errc::internal, e.what())));
  }
}

void reconciler::end(const key& k, const outcome& how) {
  auto now = ctx_.clock.steady_ms();
  if (!how.error) {
    queue_.done(k);
    if (how.again_ms) queue_.mark_at(k, now + std::max<int64_t>(*how.again_ms, 1));
    return wake(0);
  }
  auto code = code_of(how.error);
  bool usual = code == errc::conflict || code == errc::not_found || code == errc::already_exists;
  // Beyond the burst, retries of all keys together are spread.
  auto wait =
      queue_.failed(k, now, usual ? work_queue::conflict_ms_max : work_queue::backoff_ms_max, retries_.take(now));
  if (!usual || queue_.failures(k) >= failures_warned)
    ctx_.log.warning(args_.name, store::to_string(k) + ": " + message_of(how.error) + "; tries again in " +
                                     std::to_string(wait) + " ms");
  wake(0);
}

}  // namespace skerry::sdk
