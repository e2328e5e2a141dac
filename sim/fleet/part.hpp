#pragma once
#include <cstdint>
#include <string>

#include "schema/json.hpp"

namespace skerry::sim {

class fleet;

/// A part of a scenario: a load, a controller, whatever lives in a fleet. A run is made of several, each called at the
/// same moments.
class part {
public:
  virtual ~part() = default;
  /// The cloud runs, and no node yet.
  virtual void setup(fleet&) {}
  /// All runs for the first time; what befalls the fleet begins now.
  virtual void start(fleet&) {}
  /// The machine of node `number` is about to lose its power, and with it what it has not synced.
  virtual void before_power_cut(fleet&, uint32_t /*number*/) {}
  /// Nothing befalls the fleet any more; no more load, please.
  virtual void finish(fleet&) {}
  /// How many pods are to be there, and Running, because of it.
  virtual size_t pods(fleet&) { return 0; }
  /// Has anybody asked it for a change that ends pods? Then their ends are no faults.
  virtual bool ends_pods() const { return false; }
  /// What has not converged, in a few words; empty: nothing.
  virtual std::string missing(fleet&) { return {}; }
  /// Figures of its own, for the report.
  virtual void metrics(fleet&, json::object&) {}
};

}  // namespace skerry::sim
