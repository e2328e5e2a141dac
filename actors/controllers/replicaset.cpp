#include "actors/controllers/replicaset.hpp"

#include <algorithm>
#include <map>

namespace skerry::controllers {

namespace {

constexpr std::string_view path = "/cloud/controllers/replicaset";
constexpr size_t generated_base_max = 58;  ///< Kubernetes cuts generateName so that 5 characters still fit a label

bool is_replicaset(const owner& o) { return o.kind == "ReplicaSet"; }

/// Marks the ReplicaSets of a namespace that would adopt this orphan.
void mark_adopters(const store::view& v, const store::object& pod, const marker& mark) {
  v.scan(resources::replicasets, store::namespace_of(pod), "", [&](const store::object& rs) {
    auto value = store::parse(rs);
    const auto* s = find(value, "spec.selector");
    auto selector = s != nullptr ? kube::label_selector::from_object(*s) : kube::label_selector{};
    if (s != nullptr && selector && !selector->matches_all() && selects(*selector, pod)) mark(store::key_of(rs));
    return true;
  });
}

int phase_rank(const store::object& pod) {
  auto phase = store::phase_of(pod);
  return phase == "Pending" || phase.empty() ? 0 : phase == "Unknown" ? 1 : 2;
}

json::value pod_from_template(const json::value& rs) {
  const auto& metadata = object_at(rs, "spec.template.metadata");
  json::object mine;
  for (auto key : {"labels", "annotations", "finalizers"})
    if (const auto* v = metadata.if_contains(key)) mine[key] = *v;
  std::string base{string_at(rs, "metadata.name")};
  mine["generateName"] = (base + "-").substr(0, generated_base_max);
  mine["ownerReferences"] = json::array{owner_reference(rs)};
  json::value pod = json::object{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(mine)}};
  if (const auto* spec = find(rs, "spec.template.spec")) pod.as_object()["spec"] = *spec;
  // What the ServiceAccount admission of kube-apiserver does to a pod that a client makes.
  if (string_at(pod, "spec.serviceAccountName").empty()) {
    ensure(pod, "spec.serviceAccountName") = "default";
    ensure(pod, "spec.serviceAccount") = "default";
  }
  return pod;
}

}  // namespace

bool goes_before(const deletion_candidate& a, const deletion_candidate& b) {
  bool a_bound = !store::node_of(a.pod).empty(), b_bound = !store::node_of(b.pod).empty();
  if (a_bound != b_bound) return b_bound;
  if (phase_rank(a.pod) != phase_rank(b.pod)) return phase_rank(a.pod) < phase_rank(b.pod);
  if (a.facts.ready != b.facts.ready) return b.facts.ready;
  if (a.facts.deletion_cost != b.facts.deletion_cost) return a.facts.deletion_cost < b.facts.deletion_cost;
  if (a.neighbours != b.neighbours) return a.neighbours > b.neighbours;
  if (a.facts.ready && a.facts.ready_since_ms != b.facts.ready_since_ms)
    return a.facts.ready_since_ms > b.facts.ready_since_ms;
  if (a.facts.restarts != b.facts.restarts) return a.facts.restarts > b.facts.restarts;
  auto a_made = (*a.pod).getCreatedMs(), b_made = (*b.pod).getCreatedMs();
  if (a_made != b_made) return a_made > b_made;
  return store::uid_of(a.pod) < store::uid_of(b.pod);
}

// -- which keys -------------------------------------------------------------------------------------------------------

void replicaset_core::reset(const store::view& v, const marker& mark) {
  memo_.clear();
  orphans_.reset(v, resources::pods);
  resync(v, mark);
}

void replicaset_core::resync(const store::view& v, const marker& mark) {
  tally_.clear();
  v.scan(resources::replicasets, "", "", [&](const store::object& rs) {
    mark(store::key_of(rs));
    return true;
  });
}

void replicaset_core::observe(const store::view& v, const store::event& e, const marker& mark) {
  if (store::resource_of(e.now) == resources::replicasets) {
    if (e.type == store::event_type::deleted) {
      tally_.forget(e.now);
      written_ms_.erase(std::string{store::uid_of(e.now)});
    }
    return mark(store::key_of(e.now));
  }
  if (store::resource_of(e.now) != resources::pods) return;
  orphans_.observe(e);
  tally_.observe(e);
  if (e.type == store::event_type::deleted) memo_.forget(e.now);
  auto mark_owner = [&](const store::object& pod) {
    auto c = controller_of(pod);
    if (c && is_replicaset(*c)) mark(key_of(resources::replicasets, store::namespace_of(pod), c->name));
    return c.has_value();
  };
  if (e.before) mark_owner(e.before);
  if (!mark_owner(e.now) && e.type != store::event_type::deleted && pod_active(e.now)) mark_adopters(v, e.now, mark);
}

// -- one ReplicaSet ---------------------------------------------------------------------------------------------------

/// The status of `rs` with these counts.
json::object replicaset_core::status_of(const json::value& rs, const pod_counts& c) {
  json::object status = object_at(rs, "status");
  for (auto [field, n] : std::initializer_list<std::pair<const char*, int64_t>>{
           {"replicas", c.have},
           {"fullyLabeledReplicas", c.labeled},
           {"readyReplicas", c.ready},
           {"availableReplicas", c.available},
           {"observedGeneration", int_at(rs, "metadata.generation")}})
    if (n != 0 || std::string_view{field} == "replicas")
      status[field] = n;
    else
      status.erase(field);
  return status;
}

effects replicaset_core::reconcile(const store::view& v, const store::object_key& key, const moment& now) {
  effects out;
  auto rs = v.get(key.resource, key.ns, key.name);
  if (!rs) return out;
  auto value = store::parse(rs);
  const auto* s = find(value, "spec.selector");
  auto selector = s != nullptr ? kube::label_selector::from_object(*s) : make_error(errc::invalid, "no selector");
  if (!selector || selector->matches_all()) return out;
  auto c = tally_.of(v, rs, value, *selector, now.now_ms);
  auto want = std::max<int64_t>(0, int_at(value, "spec.replicas", 1));
  bool manages = !deleting(rs) && !namespace_closed(v, key.ns);
  if (c.strays == 0 && (c.have == want || !manages) && !wants_orphan(v, rs, *selector))
    return write_status(rs, std::move(value), c, now);
  auto claimed = claim(v, rs, value, resources::pods, *selector, orphans_, pod_active);
  auto changes = std::move(claimed.changes);
  if (!changes.empty()) {
    // Who belongs is settled first; the events of these changes bring the rest.
    out.commit(std::move(changes));
    return out;
  }
  // Events may be late; what is created or deleted is decided by what is there.
  c = tally_.recount(v, rs, value, *selector, now.now_ms);
  if (manages && c.have < want) {
    auto bytes = std::max<int64_t>(1, static_cast<int64_t>(store::json_of(rs).size()));
    auto n = std::min({want - c.have, burst, std::max<int64_t>(1, commit_bytes / bytes)});
    create_pods(v, value, n, now, changes);
    c.have += n;
    c.labeled += n;
  } else if (manages && c.have > want) {
    // Pods change by themselves: the more of them in one commit, the likelier a conflict.
    auto n = std::min(c.have - want, std::max<int64_t>(1, burst >> std::min<uint32_t>(now.attempt, 8)));
    std::erase_if(claimed.mine, [](const store::object& pod) { return !pod_active(pod); });
    delete_pods(v, value, std::move(claimed.mine), n, now, changes);
    c.have -= n;
    // What was deleted is the least useful; the exact numbers follow with the events of it.
    c.labeled = std::min(c.labeled, c.have);
    c.ready = std::min(c.ready, c.have);
    c.available = std::min(c.available, c.have);
  }
  if (changes.empty()) return write_status(rs, std::move(value), c, now);
  value.as_object()["status"] = status_of(value, c);
  changes.insert(changes.begin(), update(rs, std::move(value)));
  out.commit(std::move(changes));
  if (c.next_available_ms) out.requeue(*c.next_available_ms);
  return out;
}

/// Writes the status if it changed, and where nothing else is to be done not too often: each one costs its readers,
/// too.
effects replicaset_core::write_status(const store::object& rs, json::value value, const pod_counts& c,
                                      const moment& now) {
  effects out;
  if (c.next_available_ms) out.requeue(*c.next_available_ms);
  auto status = status_of(value, c);
  const auto& before = object_at(value, "status");
  if (status == before) return out;
  auto& written = written_ms_[std::string{store::uid_of(rs)}];
  auto wait = written + std::min(c.have / pods_per_status_ms, status_ms_max) - now.now_ms;
  bool seen = int_at(value, "status.observedGeneration") == int_at(value, "metadata.generation");
  if (seen && wait > 0 && wait <= status_ms_max) {  // more, if the clock was put back
    out.requeue(wait);
    return out;
  }
  written = now.now_ms;
  value.as_object()["status"] = std::move(status);
  out.commit_one(update(rs, std::move(value)));
  return out;
}

bool replicaset_core::wants_orphan(const store::view& v, const store::object& rs,
                                   const kube::label_selector& selector) const {
  if (deleting(rs)) return false;
  auto ns = store::namespace_of(rs);
  const auto& names = orphans_.in(ns);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    auto o = v.get(resources::pods, ns, name);
    return o && !controller_of(o) && !deleting(o) && pod_active(o) && selects(selector, o);
  });
}

void replicaset_core::create_pods(const store::view& v, const json::value& rs, int64_t count, const moment& now,
                                  std::vector<store::change>& changes) {
  auto prototype = pod_from_template(rs);
  std::set<std::string> taken;
  std::vector<store::change> events;
  for (int64_t i = 0; i < count; ++i) {
    auto c = create(registry_, resources::pods, string_at(rs, "metadata.namespace"), prototype, now);
    while (!taken.insert(c.object.key.name).second || v.get(resources::pods, c.object.key.ns, c.object.key.name))
      c = create(registry_, resources::pods, string_at(rs, "metadata.namespace"), prototype, now);
    if (events.size() < events_max)
      recorder_.record(v, rs, {"Normal", "SuccessfulCreate", "Created pod: " + c.object.key.name}, now, events);
    changes.push_back(std::move(c));
  }
  for (auto& e : events) changes.push_back(std::move(e));
}

void replicaset_core::delete_pods(const store::view& v, const json::value& rs, std::vector<store::object> pods,
                                  int64_t count, const moment& now, std::vector<store::change>& changes) {
  std::map<std::string_view, int64_t> on_node;
  for (const auto& pod : pods) ++on_node[store::node_of(pod)];
  std::vector<deletion_candidate> ranked;
  for (const auto& pod : pods) {
    auto node = store::node_of(pod);
    ranked.push_back({pod, memo_.of(pod), node.empty() ? 0 : on_node[node]});
  }
  std::sort(ranked.begin(), ranked.end(), goes_before);
  std::vector<store::change> events;
  for (int64_t i = 0; i < count; ++i) {
    const auto& pod = ranked[static_cast<size_t>(i)].pod;
    auto c = erase(pod, {}, now.now_ms);
    if (!c) continue;
    if (events.size() < events_max)
      recorder_.record(v, rs, {"Normal", "SuccessfulDelete", "Deleted pod: " + c->object.key.name}, now, events);
    changes.push_back(std::move(*c));
  }
  for (auto& e : events) changes.push_back(std::move(e));
}

// -- shell ------------------------------------------------------------------------------------------------------------

caf::behavior replicaset_controller(base::stateful<replicaset_state>* self, controller_args args) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<replicaset_core>(args.registry);
  st.shell = std::make_unique<loop>(
      self, args,
      spec_for(*st.core, std::string{path}, {std::string{resources::replicasets}, std::string{resources::pods}}));
  st.shell->start();
  return st.shell->handlers();
}

}  // namespace skerry::controllers
