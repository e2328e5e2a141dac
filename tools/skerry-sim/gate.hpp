#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "actors/ports/http.hpp"

namespace skerry::tools {

/// Between the threads of an HTTP server and the one thread of a world: requests wait here until the world takes them,
/// and so do the news that clients went away. Answers need no gate: exchanges take them from any thread.
class gate final : public ports::http_service {
public:
  static constexpr size_t requests_max = 1'024;  ///< that wait; more are answered with 429

  /// Takes a request in. The server's threads.
  void serve(ports::http_exchange_ptr exchange) override;
  /// No more requests: those that wait, and those that come, are answered with 503. Any thread.
  void close();

  // -- the world's thread --------------------------------------------------------------------------------------------
  /// Waits until there is something to deliver, at most so long.
  void wait(int64_t ms_max);
  /// Hands on what has arrived; true if anything had.
  bool deliver(ports::http_service& to);
  /// Forgets who waits for clients to go away: before the world ends.
  void forget();

private:
  class passage;
  struct shared {
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<ports::http_exchange_ptr> requests;
    std::deque<uint64_t> gone;  ///< streams whose clients are gone; at most one entry for each stream
    bool closed = false;
  };
  using listeners = std::map<uint64_t, std::function<void()>>;
  std::shared_ptr<shared> shared_ = std::make_shared<shared>();
  std::shared_ptr<listeners> streams_ = std::make_shared<listeners>();  ///< the world's thread alone
  uint64_t next_ = 0;
};

}  // namespace skerry::tools
