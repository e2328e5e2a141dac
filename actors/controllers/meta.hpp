#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/controllers/args.hpp"
#include "schema/kube/deletion.hpp"
#include "schema/kube/selector.hpp"

namespace skerry::controllers {

/// Resource ids that more than one controller names.
namespace resources {
inline constexpr std::string_view pods = "pods";
inline constexpr std::string_view nodes = "nodes";
inline constexpr std::string_view namespaces = "namespaces";
inline constexpr std::string_view events = "events";
inline constexpr std::string_view replicasets = "replicasets.apps";
inline constexpr std::string_view deployments = "deployments.apps";
}  // namespace resources

// -- what the letter tells without parsing JSON -----------------------------------------------------------------------

/// The value of a label.
std::optional<std::string_view> label_of(const store::object& o, std::string_view key);
bool selects(const kube::label_selector& selector, const store::object& o);
inline bool deleting(const store::object& o) { return (*o).getDeletionMs() != 0; }
bool has_finalizer(const store::object& o, std::string_view finalizer);
/// A pod that has ended for good: phase Succeeded or Failed.
bool pod_ended(const store::object& pod);
/// A pod that counts for its controller: neither ended nor on its way out (k8s controller.IsPodActive).
inline bool pod_active(const store::object& pod) { return !pod_ended(pod) && !deleting(pod); }

struct owner {
  std::string_view uid, kind, name;  ///< as long as the object lives
};
/// The managing owner (ownerReferences with controller: true); none if it has none.
std::optional<owner> controller_of(const store::object& o);

/// True if the namespace is missing or on its way out: nothing new is made in it.
bool namespace_closed(const store::view& v, std::string_view ns);

// -- changes ----------------------------------------------------------------------------------------------------------

store::object_key key_of(std::string_view resource, std::string_view ns, std::string_view name);
/// Makes `value`, stamped new (uid, creation time, name of generateName, defaults), a change that creates it.
store::change create(const kube::registry& registry, std::string_view resource, std::string_view ns, json::value value,
                     const moment& now);
/// Replaces `before` by `value`; refused by the store if it has changed meanwhile.
store::change update(const store::object& before, json::value value);
/// Replaces `before` by `value`, or removes it if nothing holds it back any more (deletion_complete).
store::change update_or_remove(const store::object& before, json::value value);
/// Removes the object; refused by the store if it is another one by now.
store::change remove(const store::object& o);
/// Deletes as a client would (schema/kube/deletion.hpp); none if it is on its way already.
std::optional<store::change> erase(const store::object& o, const kube::deletion_request& request, int64_t now_ms);

/// An entry of metadata.ownerReferences that makes `owner` the managing controller.
json::object owner_reference(const json::value& owner);
/// Adds the reference; strikes the one with this uid.
void add_owner(json::value& object, json::object reference);
void strike_owner(json::value& object, std::string_view uid);
/// Raises metadata.generation: who changes a spec without the API must.
void raise_generation(json::value& object);

std::string_view annotation_at(const json::value& object, std::string_view key);
/// Sets an annotation; true if that changed it.
bool set_annotation(json::value& object, std::string_view key, std::string_view value);

// -- conditions -------------------------------------------------------------------------------------------------------

/// The entry of `conditions` of this type, or nullptr.
const json::value* find_condition(const json::array& conditions, std::string_view type);

// -- claims -----------------------------------------------------------------------------------------------------------

/// Objects of one resource that have no managing owner, by namespace: found by events, so that adoption by selector
/// never needs to read a whole namespace.
class orphan_index {
public:
  void reset(const store::view& v, std::string_view resource);
  void put(const store::object& o);
  void erase(const store::object& o);
  /// Takes an event of the resource.
  void observe(const store::event& e) { e.type == store::event_type::deleted ? erase(e.now) : put(e.now); }
  const std::set<std::string, std::less<>>& in(std::string_view ns) const;

private:
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> by_namespace_;
};

inline constexpr size_t claims_max = 200;  ///< adoptions and releases in one commit

struct claim_result {
  std::vector<store::object> mine;     ///< owned and selected
  std::vector<store::change> changes;  ///< adoptions of orphans that match, releases of owned ones that do not
};
/// Which objects of `resource` belong to `owner`: as k8s' ControllerRefManager. `eligible` says which may be adopted.
/// An owner that is being deleted neither adopts nor releases.
claim_result claim(const store::view& v, const store::object& owner, const json::value& owner_json,
                   std::string_view resource, const kube::label_selector& selector, const orphan_index& orphans,
                   bool (*eligible)(const store::object&));

// -- pods -------------------------------------------------------------------------------------------------------------

/// What controllers want to know of a pod's JSON.
struct pod_facts {
  uint64_t revision = 0;
  bool ready = false;
  int64_t ready_since_ms = 0;  ///< lastTransitionTime of Ready
  int64_t restarts = 0;        ///< of the container that restarted most
  int64_t deletion_cost = 0;   ///< controller.kubernetes.io/pod-deletion-cost
};
pod_facts read_pod_facts(const store::object& pod);
/// Is the condition Ready True, and since when (Unix ms)? Reads no more of the pod's JSON than its conditions.
std::pair<bool, int64_t> readiness_of(const store::object& pod);

/// Facts of pods by uid, each read once for each revision: to rank N pods again and again costs N parses, once.
class pod_memo {
public:
  static constexpr size_t pods_max = 200'000;  ///< more than that: it is emptied and fills anew
  const pod_facts& of(const store::object& pod);
  void forget(const store::object& pod);
  void clear() { facts_.clear(); }

private:
  std::unordered_map<std::string, pod_facts> facts_;
};

}  // namespace skerry::controllers
