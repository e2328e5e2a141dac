#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/base/context.hpp"
#include "actors/ports/kv.hpp"
#include "sim/world/world.hpp"
#include "supervisors/supervisor.hpp"

namespace skerry::sim {

/// What was written of the letters of one node.
struct page {
  uint64_t last = 0;                                  ///< the number of the last one that had its effect
  uint64_t state = 0;                                 ///< the number of the newest state
  std::vector<std::pair<uint64_t, uint64_t>> gaps{};  ///< letters, first to last, that others came after and never they
  std::string fault;                                  ///< "letter 3 after letter 5": what must never be
};

/// What is wrong with a book: it shows that who looks for such a thing finds it.
struct book_options {
  bool forgets_receipts = false;  ///< effects without the receipts that make them happen once
  bool keeps_older = false;       ///< the sixth state and all later ones are not kept
};

/// Starts the actor that takes durable letters (ProbeFact: key the node, number 1, 2, ...) and keeps what they say in
/// the cloud's store, effect and receipt in one batch; and states (ProbeState), of which it keeps the newest.
supervisors::start_function start_book(const context& ctx, ports::kv& kv, std::string path, book_options o = {});
/// Returns what the book of this store says of `node`.
page read_page(const ports::kv& kv, const std::string& node);

/// Sends durable letters from each node to the book, as fast as they have their effect, and counts them: a letter is
/// acknowledged when the send returns, for then it is in the node's journal.
class courier {
public:
  explicit courier(world& w) : w_(w) {}
  void work(bool more);
  /// What is not as it should be once all is quiet; empty: nothing.
  std::string fault() const;
  uint64_t sent() const;

private:
  static constexpr uint64_t ahead_max = 50;  ///< letters of a node that may wait
  static constexpr int at_once = 4;
  world& w_;
  std::map<std::string, uint64_t> sent_;
};

}  // namespace skerry::sim
