#pragma once
#include <map>
#include <string>

#include "actors/base/context.hpp"
#include "actors/ports/kv.hpp"
#include "sim/world/world.hpp"
#include "supervisors/supervisor.hpp"

namespace skerry::sim {

/// What was written of the letters of one node.
struct page {
  uint64_t last = 0;  ///< the number of the last one that had its effect
  std::string fault;  ///< "5 after 3": what must never be
};

/// Starts the actor that takes durable letters (ProbeFact: key the node, number 1, 2, ...) and keeps what they say in
/// the cloud's store, effect and receipt in one batch.
supervisors::start_function start_book(const context& ctx, ports::kv& kv, std::string path);
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
