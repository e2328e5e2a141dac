#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/loop.hpp"

namespace skerry::controllers {

/// Removes what is only kept for a while: Events that were last seen an hour ago (kube-apiserver --event-ttl), the
/// oldest Events beyond `events_max`, and pods that have ended and are owned by nobody beyond `ended_pods_max`
/// (kube-controller-manager
/// --terminated-pod-gc-threshold). Looks at all of them each `period_ms`, by letters alone but for old Events, and then
/// removes what it found in parts.
class expiry_core {
public:
  static constexpr int64_t event_ttl_ms = 60 * 60 * 1000;
  static constexpr int64_t period_ms = 5 * 60 * 1000;
  static constexpr size_t events_max = 20'000;
  static constexpr size_t ended_pods_max = 12'500;
  static constexpr size_t removals_max = 400;  ///< in one commit; the next follows at once

  static store::object_key pass() { return {"events", "", ""}; }

  void reset(const store::view&, const marker& mark) {
    found_.clear();
    mark(pass());
  }
  void resync(const store::view&, const marker& mark) { mark(pass()); }
  void observe(const store::view&, const store::event&, const marker&) {}
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now);

private:
  void look(const store::view& v, const moment& now);
  std::vector<store::object> found_;  ///< to be removed, the next ones last
};

using expiry_state = controller_state<expiry_core>;
/// The controller at /cloud/controllers/expiry.
caf::behavior expiry_controller(base::stateful<expiry_state>* self, controller_args args);

}  // namespace skerry::controllers
