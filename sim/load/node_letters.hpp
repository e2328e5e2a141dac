#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/kv.hpp"
#include "sim/fleet/part.hpp"
#include "sim/load/letters.hpp"
#include "supervisors/supervisor.hpp"

namespace skerry::sim {

/// Each node sends a durable letter and a newest state to the book in the cloud, again and again, numbered from 1.
class node_letters final : public part {
public:
  node_letters(int64_t every_ms, std::string plant) : every_ms_(every_ms), plant_(std::move(plant)) {}
  /// What stands at /cloud/app/book.
  supervisors::start_function book(island& cloud);
  void start(fleet&) override;
  void before_power_cut(fleet&, uint32_t number) override;
  void finish(fleet&) override;
  std::string missing(fleet&) override;
  void metrics(fleet&, json::object&) override;

  /// A letter that came twice, or not in its turn; empty: none.
  std::string disorder(fleet&, uint64_t& compared) const;
  /// A node whose letters have not all had their effect, or whose newest state is not the last one; empty: none.
  std::string undelivered(fleet&, uint64_t& compared) const;
  std::string stale(fleet&, uint64_t& compared) const;

private:
  /// A letter is in the journal when its send returns, and synced a little later: what is not may go with the power.
  struct unsynced {
    uint64_t number = 0;
    size_t syncs = 0;  ///< of the node's disk, before it was sent
  };
  bool may_be_lost(const std::string& node, uint64_t first, uint64_t last) const;
  void send_all(fleet&);
  const int64_t every_ms_;
  const std::string plant_;
  std::map<std::string, uint64_t> sent_, states_;
  std::map<std::string, std::vector<unsynced>> recent_;
  std::map<std::string, std::vector<std::pair<uint64_t, uint64_t>>> lost_;  ///< with the power: first to last
  bool more_ = false;
};

}  // namespace skerry::sim
