#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// Who watches knows what is there: all objects at their revisions, as far as it has been told.
class watchers_complete_invariant final : public invariant {
public:
  std::string_view name() const override { return "watchers-complete"; }
  void look(fleet& f) override {
    // Seldom, for it reads everything.
    if (++looks_ % 50 == 0) compare(f);
  }
  void at_end(fleet& f) override { compare(f); }

private:
  void compare(fleet& f) {
    auto v = f.w.views->current();
    if (v->revision() != f.eyes->revision) return;  // it is being told
    ++checked;
    if (observer::digest_of(*v) != f.eyes->digest)
      f.broke(name(), "at revision " + std::to_string(v->revision()) + " a watcher knows other objects than there are");
  }
  uint64_t looks_ = 0;
};

}  // namespace

std::unique_ptr<invariant> watchers_complete() { return std::make_unique<watchers_complete_invariant>(); }

}  // namespace skerry::sim
