#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/store/messages.hpp"

namespace skerry::sim {

class fleet;

/// Something that must hold in every fleet at every moment. It looks, and tells fleet::broke. Each is in a file of its
/// own; `--plant` breaks the world so that it must be found (docs/simulator.md).
class invariant {
public:
  virtual ~invariant() = default;
  virtual std::string_view name() const = 0;
  /// A change was committed, as watchers see it.
  virtual void on_event(fleet&, const store::event&) {}
  /// Now and then, whatever befalls the fleet.
  virtual void look(fleet&) {}
  /// All has converged.
  virtual void at_end(fleet&) {}
  uint64_t checked = 0;  ///< how often something was compared
};

std::unique_ptr<invariant> acknowledged_kept();
std::unique_ptr<invariant> effects_once();
std::unique_ptr<invariant> latest_last();
std::unique_ptr<invariant> offline_pods_kept();
std::unique_ptr<invariant> one_instance();
std::unique_ptr<invariant> no_stranger();
std::unique_ptr<invariant> revisions_rise();
std::unique_ptr<invariant> watchers_complete();
std::unique_ptr<invariant> nobody_crashed();
std::unique_ptr<invariant> queues_bounded();

/// All of them.
std::vector<std::unique_ptr<invariant>> all_invariants();

}  // namespace skerry::sim
