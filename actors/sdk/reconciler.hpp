#pragma once
#include "actors/base/context.hpp"
#include "actors/sdk/objects.hpp"
#include "actors/sdk/timer.hpp"
#include "actors/sdk/work_queue.hpp"

namespace skerry::sdk {

/// How the work on one key ended.
struct outcome {
  caf::error error;                 ///< tried again after a backoff of its own key: 5 ms, doubled up to 30 s
  std::optional<int64_t> again_ms;  ///< looked at again after so long even if nothing changes; with no error

  static outcome done() { return {}; }
  static outcome again(int64_t ms) { return {{}, ms}; }
  static outcome failed(caf::error e) { return {std::move(e), {}}; }
};

struct reconciler_args {
  std::string name = "reconciler";  ///< in log lines
  size_t working_max = 4;           ///< keys worked on at once; one key never twice at once
  double retries_per_second = 10;   ///< over all keys; client-go's default
  double retries_burst = 100;
};

/// The working half of a controller: keys that are marked are worked on one after the other, level-triggered: many
/// marks of a key before its turn are one, marks during its turn give it another. Belongs to one actor, whose behavior
/// has `with_wakes`. Paused when made: nothing is worked on before `resume` (caches complete, leadership won).
class reconciler {
public:
  /// Called once for each turn of a key.
  using finish = std::function<void(outcome)>;
  /// Looks at one key, compares what is with what should be, and calls `end` once, now or later, in the same actor. An
  /// exception counts as a failure.
  using work = std::function<void(const key&, finish end)>;

  reconciler(caf::event_based_actor* self, const context& ctx, reconciler_args args, work w);

  void mark(const key& k);
  /// The key is looked at in `ms` milliseconds, or sooner if it is marked.
  void mark_after(const key& k, int64_t ms);
  void resume();
  /// Begins nothing new; what is under way goes on, and what it does must bear that.
  void pause() { paused_ = true; }
  bool paused() const { return paused_; }
  /// Keys that wait, and keys that are worked on.
  size_t waiting() const { return queue_.size(); }
  size_t working() const { return queue_.working(); }
  /// Failures of this key in a row.
  uint32_t failures(const key& k) const { return queue_.failures(k); }

private:
  void wake(uint32_t ms);
  void run();
  void begin(const key& k);
  void end(const key& k, const outcome& how);

  caf::event_based_actor* self_;
  const context& ctx_;
  reconciler_args args_;
  work work_;
  work_queue queue_;
  rate_limit retries_;
  timer timer_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  int64_t wake_at_ms_ = 0;
  bool paused_ = true;
};

}  // namespace skerry::sdk
