#pragma once
#include <mutex>

#include "actors/store/contents.hpp"

namespace skerry::store {

/// Where the store actor puts its newest view and everybody else reads it. Made by main, beside the actor: it outlives
/// the actor's restarts, during which readers keep the last view. Empty at revision 0 until the first one is published.
class publisher : public reader {
public:
  view_ptr current() const override {
    std::lock_guard guard{mutex_};  // held for one counted copy
    return current_;
  }

  void publish(view_ptr v) {
    {
      std::lock_guard guard{mutex_};
      current_.swap(v);
    }
    // The old view, and what only it held, is freed here, outside of the lock.
  }

private:
  mutable std::mutex mutex_;
  view_ptr current_ = std::make_shared<contents_view>();
};

}  // namespace skerry::store
