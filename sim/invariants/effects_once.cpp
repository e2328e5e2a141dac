#include "sim/fleet/fleet.hpp"
#include "sim/load/node_letters.hpp"

namespace skerry::sim {
namespace {

/// Durable letters have their effects in order and once, and in the end all of them.
class effects_once_invariant final : public invariant {
public:
  std::string_view name() const override { return "effects-once"; }
  void look(fleet& f) override {
    if (!f.letters) return;
    if (auto why = f.letters->disorder(f, checked); !why.empty()) f.broke(name(), why);
  }
  void at_end(fleet& f) override {
    look(f);
    if (!f.letters) return;
    if (auto why = f.letters->undelivered(f, checked); !why.empty()) f.broke(name(), why);
  }
};

}  // namespace

std::unique_ptr<invariant> effects_once() { return std::make_unique<effects_once_invariant>(); }

}  // namespace skerry::sim
