#pragma once
#include <memory>
#include <string>
#include <vector>

#include "sim/fleet/part.hpp"
#include "sim/load/clients.hpp"

namespace skerry::sim {

/// Users who change ConfigMaps, each one change after the other, and one who watches them.
class user_writes final : public part {
public:
  explicit user_writes(double per_s) : per_s_(per_s) {}
  void start(fleet&) override;
  void finish(fleet&) override;
  std::string missing(fleet&) override;
  void metrics(fleet&, json::object&) override;

  /// A change that was acknowledged and is not there any more, or one that the watcher has not seen though all is
  /// quiet; empty: none. `compared` counts.
  std::string lost(fleet&, uint64_t& compared) const;

private:
  void work(fleet&);
  const double per_s_;
  std::vector<std::unique_ptr<writer>> writers_;
  std::unique_ptr<reflector> watcher_;
  int64_t period_ms_ = 1'000;
  bool more_ = false;
};

}  // namespace skerry::sim
