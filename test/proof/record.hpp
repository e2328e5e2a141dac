#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace skerry::test::proof {

/// What is known of the durable letters sent to one destination, by their numbers: each sent once, in rising order.
class sent_record {
public:
  /// `number` is about to be sent: it may arrive, or, if its sender dies now, not.
  void about(uint64_t number) { letters_[number]; }
  /// The send returned: it must arrive.
  void sent(uint64_t number) { letters_[number].must = true; }
  /// The disk of the sender forgot what was sent after the last sync: these may arrive, or not.
  void may_be_lost(uint64_t number) { letters_[number].must = false; }

  uint64_t next() const { return letters_.empty() ? 1 : letters_.rbegin()->first + 1; }
  size_t size() const { return letters_.size(); }

  /// Compares with the effects at the receiver, in the order in which they were applied: each number at most once, in
  /// rising order, none that was not sent, none missing that must be there. Empty if all that holds, else what does
  /// not.
  std::string check(const std::vector<uint64_t>& effects) const;

private:
  struct letter {
    bool must = false;
  };
  std::map<uint64_t, letter> letters_;
};

}  // namespace skerry::test::proof
