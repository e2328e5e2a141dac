#include "sim/fleet/fleet.hpp"
#include "sim/load/node_letters.hpp"

namespace skerry::sim {
namespace {

/// What is sent as the latest of its key ends on the last one.
class latest_last_invariant final : public invariant {
public:
  std::string_view name() const override { return "latest-last"; }
  void at_end(fleet& f) override {
    if (!f.letters) return;
    if (auto why = f.letters->stale(f, checked); !why.empty()) f.broke(name(), why);
  }
};

}  // namespace

std::unique_ptr<invariant> latest_last() { return std::make_unique<latest_last_invariant>(); }

}  // namespace skerry::sim
