#include "sim/fleet/fleet.hpp"
#include "sim/load/user_writes.hpp"

namespace skerry::sim {
namespace {

/// What the API answered with success is there, whatever befell the cloud since.
class acknowledged_kept_invariant final : public invariant {
public:
  std::string_view name() const override { return "acknowledged-kept"; }
  void look(fleet& f) override {
    // A cloud that is away publishes nothing new.
    if (!f.writes || f.cloud.down > 0) return;
    if (auto why = f.writes->lost(f, checked); !why.empty()) f.broke(name(), why);
  }
  void at_end(fleet& f) override { look(f); }
};

}  // namespace

std::unique_ptr<invariant> acknowledged_kept() { return std::make_unique<acknowledged_kept_invariant>(); }

}  // namespace skerry::sim
