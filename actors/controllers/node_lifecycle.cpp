#include "actors/controllers/node_lifecycle.hpp"

#include <algorithm>
#include <chrono>

#include "actors/controllers/meta.hpp"
#include "actors/controllers/node_conditions.hpp"

namespace skerry::controllers {

namespace {
constexpr std::string_view path = "/cloud/controllers/node-lifecycle";
constexpr std::string_view leases = "leases.coordination.k8s.io";
constexpr std::string_view lease_namespace = "kube-node-lease";
constexpr std::chrono::milliseconds tick{2'000};
}  // namespace

node_lifecycle_core::record& node_lifecycle_core::of(std::string_view node) {
  auto i = nodes_.find(node);
  if (i == nodes_.end()) {
    i = nodes_.emplace(std::string{node}, record{}).first;
    i->second.heard_ms = i->second.absent_since_ms = clock_.steady_ms();
  }
  return i->second;
}

void node_lifecycle_core::reset(const store::view& v, const marker& mark) {
  for (auto& [name, r] : nodes_) r.present = false;
  resync(v, mark);
  // Pods on nodes that are not there, from before this start.
  v.scan(resources::pods, "", "", [&](const store::object& pod) {
    auto node = store::node_of(pod);
    if (!node.empty() && !of(node).present) mark(key_of(resources::nodes, "", node));
    return true;
  });
}

void node_lifecycle_core::resync(const store::view& v, const marker& mark) {
  v.scan(resources::nodes, "", "", [&](const store::object& node) {
    of(store::name_of(node)).present = true;
    mark(store::key_of(node));
    return true;
  });
}

void node_lifecycle_core::observe(const store::view&, const store::event& e, const marker& mark) {
  bool gone = e.type == store::event_type::deleted;
  if (store::resource_of(e.now) == resources::nodes) {
    auto& r = of(store::name_of(e.now));
    if (gone) {
      r = record{};
      r.heard_ms = r.absent_since_ms = clock_.steady_ms();
    } else if (!r.present) {
      // A new Node begins with a whole lease, whatever was of that name before.
      if (!r.ever) r.heard_ms = clock_.steady_ms();
      r.present = true;
    }
    return mark(store::key_of(e.now));
  }
  auto node = store::node_of(e.now);
  if (gone || node.empty() || store::resource_of(e.now) != resources::pods) return;
  if (auto i = nodes_.find(node); i == nodes_.end() || !i->second.present) mark(key_of(resources::nodes, "", node));
}

void node_lifecycle_core::heard(const std::vector<std::string>& nodes, const marker& mark) {
  auto now = clock_.steady_ms();
  for (const auto& name : nodes) {
    auto i = nodes_.find(name);
    if (i == nodes_.end() || !i->second.present) continue;
    auto& r = i->second;
    r.heard_ms = now;
    if (!r.ever || r.lost) mark(key_of(resources::nodes, "", name));
    r.ever = true;
  }
}

void node_lifecycle_core::check(const marker& mark) {
  auto now = clock_.steady_ms();
  for (const auto& [name, r] : nodes_)
    if (r.present && !r.lost && now - r.heard_ms >= lease_ms_) mark(key_of(resources::nodes, "", name));
}

effects node_lifecycle_core::reconcile(const store::view& v, const store::object_key& key, const moment& now) {
  auto node = v.get(resources::nodes, "", key.name);
  if (!node) return reconcile_absent(v, key.name);
  auto& r = of(key.name);
  r.present = true;
  effects out;
  auto value = store::parse(node);
  bool silent = clock_.steady_ms() - r.heard_ms >= lease_ms_;
  std::vector<store::change> changes;
  bool changed = false;
  if (silent) {
    r.lost = true;
    json::array before = array_at(value, "status.conditions");
    bool was_marked = is_marked_unheard(value);
    if (mark_unheard(value, now.now_ms)) {
      changed = true;
      if (!was_marked) {
        r.conditions = std::move(before);
        recorder_.record(v, value, {"Normal", "NodeNotReady", "Node " + key.name + " status is now: NodeNotReady"}, now,
                         changes);
      }
    }
  } else if (r.lost) {
    // Its agent sends its status anew after each welcome; if the session never broke, what it said before holds again.
    if (is_marked_unheard(value) && !r.conditions.empty()) {
      restore_conditions(value, r.conditions, now.now_ms);
      changed = true;
    }
    r.lost = false;
    r.conditions = {};
    r.lease_written_ms = 0;
  }
  changed |= sync_taints(value);
  if (r.ever && !silent) write_lease(v, value, r, now, out);
  if (changed) changes.insert(changes.begin(), update(node, std::move(value)));
  out.commit(std::move(changes));
  return out;
}

/// Pods of a node that no longer exists: nobody will ever end them or report on them.
effects node_lifecycle_core::reconcile_absent(const store::view& v, const std::string& node) {
  effects out;
  auto pods = v.pods_on(node);
  if (pods.empty()) {
    nodes_.erase(node);
    return out;
  }
  auto& r = of(node);
  r.present = false;
  auto left = r.absent_since_ms + quarantine_ms - clock_.steady_ms();
  if (left > 0) {
    out.requeue(left);
    return out;
  }
  std::vector<store::change> changes;
  for (const auto& pod : pods) {
    if (changes.size() == removals_max) {
      out.requeue(1);
      break;
    }
    changes.push_back(remove(pod));
  }
  out.commit(std::move(changes));
  return out;
}

void node_lifecycle_core::write_lease(const store::view& v, const json::value& node, record& r, const moment& now,
                                      effects& out) {
  auto steady = clock_.steady_ms();
  if (r.lease_written_ms != 0 && steady - r.lease_written_ms < renew_ms) return;
  if (namespace_closed(v, lease_namespace)) return;
  auto name = string_at(node, "metadata.name");
  auto stamp = format_micro_time(now.now_ms - (steady - r.heard_ms));
  r.lease_written_ms = std::max<int64_t>(1, steady);
  if (auto before = v.get(leases, lease_namespace, name)) {
    auto value = store::parse(before);
    ensure(value, "spec.renewTime") = stamp;
    ensure(value, "spec.holderIdentity") = name;
    return out.commit_one(update(before, std::move(value)));
  }
  auto owner = owner_reference(node);
  owner.erase("controller");
  owner.erase("blockOwnerDeletion");
  json::value lease = json::object{
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata", json::object{{"name", name}, {"ownerReferences", json::array{std::move(owner)}}}},
      {"spec",
       json::object{{"holderIdentity", name}, {"leaseDurationSeconds", lease_ms_ / 1000}, {"renewTime", stamp}}}};
  out.commit_one(create(registry_, leases, lease_namespace, std::move(lease), now));
}

caf::behavior node_lifecycle_controller(base::stateful<node_lifecycle_state>* self, controller_args args,
                                        uint32_t lease_ms) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<node_lifecycle_core>(args.registry, args.ctx.clock, lease_ms);
  st.shell = std::make_unique<loop>(
      self, args, spec_for(*st.core, std::string{path}, {std::string{resources::nodes}, std::string{resources::pods}}));
  st.shell->start();
  self->delayed_send(self, tick, lease_tick{});
  auto mark = [&st](const store::object_key& k) { st.shell->mark(k); };
  return st.shell->handlers().or_else(caf::message_handler{
      [&st, mark](const link::nodes_seen& seen) { st.core->heard(seen.nodes, mark); },
      [self, &st, mark](lease_tick) {
        st.core->check(mark);
        self->delayed_send(self, tick, lease_tick{});
      },
  });
}

}  // namespace skerry::controllers
