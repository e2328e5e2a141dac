#pragma once
#include "actors/api/feed_core.hpp"
#include "actors/base/context.hpp"
#include "actors/sdk/informer_cache.hpp"
#include "actors/sdk/timer.hpp"
#include "schema/feed_limits.hpp"

namespace skerry::sdk {

/// Which objects an informer follows.
struct informer_args {
  std::string resource{};        ///< "configmaps", "deployments.apps"
  std::string ns{};              ///< empty: all namespaces
  std::string label_selector{};  ///< "app=web"; empty: all
  std::string field_selector{};  ///< "spec.nodeName=n17"; empty: all
  uint32_t resync_ms = 600'000;  ///< so often `updated` is called with every object; 0: never
};

/// Keeps a copy of some objects up to date and tells what changes: lists, then follows from that revision, asks again
/// where it stood after a cut of the link or a restart of the cloud, and lists anew where the cloud no longer remembers
/// (errc::expired): nothing is missed and nothing told twice. What it holds may be behind the cloud by the time that
/// the news takes, and by the length of a cut; `current()` says whether it is connected. Belongs to one actor: a part
/// of its state, whose behavior has `with_wakes`.
class informer {
public:
  static constexpr uint32_t retry_ms_min = 100, retry_ms_max = 2'000;
  /// An answer that takes longer is lost: the feed is opened anew. What a cut took is asked for when the link is back.
  static constexpr uint32_t answer_ms_max = limits::feed_wait_ms + 5'000;

  informer(caf::event_based_actor* self, const context& ctx, resolver resolve, informer_args args);

  /// Adds an index to the cache; before start().
  informer& index(std::string name, index_function f);
  /// Begins. Call once, when the handlers may be called.
  void start(informer_handlers handlers);

  const informer_cache& cache() const { return cache_; }
  /// The cache has been complete once: what is not in it was not there.
  bool synced() const { return cache_.synced(); }
  /// The last answer is recent: what is read is at most some seconds old.
  bool current() const;
  const std::string& resource() const { return args_.resource; }
  /// How often a feed was opened, and how often with a full list.
  uint64_t opened() const { return opened_; }
  uint64_t listed() const { return listed_; }

private:
  void open();
  void ask();
  void observe(const caf::actor& cloud);
  void on_link(bool up);
  template <class Batch>
  void take(const Batch& b);
  void on_batch(uint64_t sequence, uint64_t revision, bool complete);
  void lost(const caf::error& why);
  void tick();
  void tick_later();

  caf::event_based_actor* self_;
  const context& ctx_;
  resolver resolve_;
  informer_args args_;
  informer_cache cache_;
  timer retry_, tick_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  caf::actor feed_;
  std::string feed_path_;
  uint64_t generation_ = 0;  ///< of the feed: what an older one answers is not for this one
  uint64_t have_ = 0;
  bool from_start_ = true;
  bool observed_ = false;  ///< the link is observed, or there is none
  bool cut_ = false;       ///< the link is suspended
  bool opening_ = false;   ///< OpenFeed is not answered yet
  bool doubtful_ = false;  ///< it, or its answer, may have gone with the link
  uint32_t wait_ms_ = retry_ms_min;
  int64_t asked_ms_ = 0, heard_ms_ = 0, resync_at_ms_ = 0;
  uint64_t opened_ = 0, listed_ = 0;
  std::string last_error_;
};

}  // namespace skerry::sdk
