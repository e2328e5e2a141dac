#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace skerry::store {

/// Knows who writes all the time, to fold more commits into one synced write. Writers that wait for their answers
/// fall into two halves that take turns, each waiting for the other's sync: whoever was answered last comes back in
/// some microseconds. So a batch is held open for as many turns of the mailbox as it still grows in, up to the number
/// that wrote the two batches before it. If they do not come, the next batches do not wait for
/// them: one at first, more each time it happens again.
/// A crowd so large that its work takes longer than a sync is better kept in its halves, which then take turns on
/// purpose: one is written while the other is applied.
class crowd {
public:
  /// A commit of this actor joined the batch.
  void met(uint64_t who) { now_.push_back(who); }

  /// Asked at each turn of the mailbox: is the batch of `size` commits worth another one?
  bool worth_waiting(size_t size) {
    if (size > seen_) {
      seen_ = size;
      turns_ = 0;
    }
    return calm_ == 0 && size < worth() && turns_++ < turns_max;
  }

  /// The batch of `size` commits is being written.
  void wrote(size_t size) {
    if (calm_ > 0) {
      --calm_;
    } else if (size < worth()) {  // it was held open in vain
      calm_ = again_;
      again_ = std::min(2 * again_, calm_batches_max);
    } else {
      again_ = 1;
    }
    std::sort(now_.begin(), now_.end());
    now_.erase(std::unique(now_.begin(), now_.end()), now_.end());
    std::vector<uint64_t> both;
    std::set_union(now_.begin(), now_.end(), last_.begin(), last_.end(), std::back_inserter(both));
    expected_ = both.size() > 2 ? both.size() : 0;  // one writer alone, or two: nothing to gain
    last_.swap(now_);
    now_.clear();
    seen_ = turns_ = 0;
    // All of them in each batch, or half of them.
    overlaps_ = size + size_before_ >= (overlaps_ ? overlap_min : 2 * overlap_min);
    size_before_ = size;
  }

  /// Is it better to apply the next batch while one is written?
  bool overlaps() const { return overlaps_; }

private:
  size_t worth() const { return overlaps_ ? (expected_ + 1) / 2 : expected_; }

  static constexpr size_t overlap_min = 12;  ///< commits
  static constexpr size_t turns_max = 100;   ///< without growth; about 50 us
  static constexpr int calm_batches_max = 16;

  std::vector<uint64_t> now_, last_;  // last_ sorted
  size_t expected_ = 0, seen_ = 0, turns_ = 0;
  size_t size_before_ = 0;
  bool overlaps_ = false;
  int calm_ = 0, again_ = 1;  // batches not to wait in; the same after the next disappointment
};

}  // namespace skerry::store
