#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/loop.hpp"
#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

/// Collects what belongs to nobody any more (kubernetes/pkg/controller/garbagecollector): an object whose owners, by
/// uid, are all gone is deleted, pods with their grace; of several owners those that are gone are struck. Does the work
/// of the finalizers foregroundDeletion (the owner goes after the dependents that block it) and orphan (it is struck
/// from its dependents first).
///
/// Follows owners by the store's index and by letters alone; JSON is parsed only of what is changed. An owner of a kind
/// that is not served counts as there: nothing is deleted on a guess. Owners of namespaced objects are in the same
/// namespace or of the whole cluster.
class garbage_core {
public:
  static constexpr size_t changes_max = 100;  ///< in one commit

  explicit garbage_core(const kube::registry& registry);

  void reset(const store::view& v, const marker& mark);
  void resync(const store::view& v, const marker& mark) { reset(v, mark); }
  void observe(const store::view& v, const store::event& e, const marker& mark);
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now) const;

private:
  enum class standing : uint8_t { there, leaving, gone };
  /// leaving: in foreground deletion, waiting for this dependent.
  standing owner_standing(const store::view& v, std::string_view ns, std::string_view kind, std::string_view name,
                          std::string_view uid) const;
  std::optional<store::object> find_owner(const store::view& v, std::string_view ns, std::string_view kind,
                                          std::string_view name, std::string_view uid) const;
  void mark_related(const store::view& v, const store::object& o, const marker& mark) const;
  effects finish_orphaning(const store::view& v, const store::object& o) const;
  effects finish_foreground(const store::view& v, const store::object& o, const moment& now) const;
  effects judge(const store::view& v, const store::object& o, const moment& now) const;

  std::multimap<std::string, const kube::resource_info*, std::less<>> by_kind_;
};

using garbage_state = controller_state<garbage_core>;
/// The controller at /cloud/controllers/garbage.
caf::behavior garbage_controller(base::stateful<garbage_state>* self, controller_args args);

}  // namespace skerry::controllers
