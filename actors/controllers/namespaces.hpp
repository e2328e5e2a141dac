#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/base/actor.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/loop.hpp"
#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

/// Keeps the namespaces that every cluster has (default, kube-system, kube-public, kube-node-lease), gives each
/// namespace its ServiceAccount `default` and its ConfigMap `kube-root-ca.crt`, and empties those that are being
/// deleted (kubernetes/pkg/controller/namespace): all objects in it are deleted, pods with their grace, and when
/// nothing is left its finalizer is struck and it goes.
class namespace_core {
public:
  static constexpr size_t changes_max = 100;        ///< in one commit
  static constexpr size_t commits_max = 8;          ///< in one pass; the rest follows
  static constexpr int64_t look_again_ms = 30'000;  ///< at one that is not empty yet

  /// `root_ca_pem` is what clients in pods trust; empty: no ConfigMap is made.
  namespace_core(const kube::registry& registry, std::string root_ca_pem)
      : registry_(registry), root_ca_pem_(std::move(root_ca_pem)) {}

  void reset(const store::view& v, const marker& mark);
  void resync(const store::view& v, const marker& mark);
  void observe(const store::view& v, const store::event& e, const marker& mark);
  effects reconcile(const store::view& v, const store::object_key& key, const moment& now);

private:
  effects furnish(const store::view& v, const std::string& ns, const moment& now) const;
  effects empty_out(const store::view& v, const store::object& ns, const moment& now) const;

  const kube::registry& registry_;
  std::string root_ca_pem_;
  std::set<std::string, std::less<>> terminating_;
};

using namespace_state = controller_state<namespace_core>;
/// The controller at /cloud/controllers/namespace.
caf::behavior namespace_controller(base::stateful<namespace_state>* self, controller_args args,
                                   std::string root_ca_pem);

}  // namespace skerry::controllers
