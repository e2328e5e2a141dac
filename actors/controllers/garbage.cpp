#include "actors/controllers/garbage.hpp"

namespace skerry::controllers {

namespace {

constexpr std::string_view path = "/cloud/controllers/garbage";
constexpr std::string_view foreground = "foregroundDeletion", orphan = "orphan";

bool has_owners(const store::object& o) { return (*o).getOwners().size() > 0; }

bool owners_differ(const store::object& a, const store::object& b) {
  auto x = (*a).getOwners(), y = (*b).getOwners();
  if (x.size() != y.size()) return true;
  for (unsigned i = 0; i < x.size(); ++i)
    if (store::view_of(x[i].getUid()) != store::view_of(y[i].getUid())) return true;
  return false;
}

void strike_finalizer(json::value& object, std::string_view finalizer) {
  json::array kept;
  for (const auto& f : array_at(object, "metadata.finalizers"))
    if (!f.is_string() || f.get_string() != finalizer) kept.push_back(f);
  auto& metadata = object.at("metadata").as_object();
  if (kept.empty())
    metadata.erase("finalizers");
  else
    metadata["finalizers"] = std::move(kept);
}

store::change without_finalizer(const store::object& o, std::string_view finalizer) {
  auto value = store::parse(o);
  strike_finalizer(value, finalizer);
  return update_or_remove(o, std::move(value));
}

bool blocks(const store::object& dependent, std::string_view owner_uid) {
  auto value = store::parse(dependent);
  for (const auto& r : array_at(value, "metadata.ownerReferences"))
    if (string_at(r, "uid") == owner_uid) return bool_at(r, "blockOwnerDeletion");
  return false;
}

}  // namespace

garbage_core::garbage_core(const kube::registry& registry) {
  for (const auto& r : registry.resources()) by_kind_.emplace(std::string{r.kind}, &r);
}

// -- which keys -------------------------------------------------------------------------------------------------------

void garbage_core::reset(const store::view& v, const marker& mark) {
  for (const auto& resource : v.resources())
    v.scan(resource, "", "", [&](const store::object& o) {
      if (deleting(o) && (has_finalizer(o, foreground) || has_finalizer(o, orphan))) mark_related(v, o, mark);
      for (auto r : (*o).getOwners())
        if (owner_standing(v, store::namespace_of(o), store::view_of(r.getKind()), store::view_of(r.getName()),
                           store::view_of(r.getUid())) != standing::there) {
          mark(store::key_of(o));
          break;
        }
      return true;
    });
}

void garbage_core::mark_related(const store::view& v, const store::object& o, const marker& mark) const {
  mark(store::key_of(o));
  for (const auto& dependent : v.owned_by(store::uid_of(o))) mark(store::key_of(dependent));
}

void garbage_core::observe(const store::view& v, const store::event& e, const marker& mark) {
  if (e.type == store::event_type::deleted) {
    for (const auto& dependent : v.owned_by(store::uid_of(e.now))) mark(store::key_of(dependent));
    // An owner in foreground deletion may have waited for this one.
    for (auto r : (*e.now).getOwners())
      if (auto owner = find_owner(v, store::namespace_of(e.now), store::view_of(r.getKind()),
                                  store::view_of(r.getName()), store::view_of(r.getUid()));
          owner && deleting(*owner))
        mark(store::key_of(*owner));
    return;
  }
  if (deleting(e.now) && (has_finalizer(e.now, foreground) || has_finalizer(e.now, orphan)))
    return mark_related(v, e.now, mark);
  if (has_owners(e.now) && (!e.before || owners_differ(e.before, e.now))) mark(store::key_of(e.now));
}

// -- owners -----------------------------------------------------------------------------------------------------------

std::optional<store::object> garbage_core::find_owner(const store::view& v, std::string_view ns, std::string_view kind,
                                                      std::string_view name, std::string_view uid) const {
  auto [first, last] = by_kind_.equal_range(kind);
  for (auto i = first; i != last; ++i) {
    auto o = v.get(i->second->id, i->second->namespaced ? ns : std::string_view{}, name);
    if (o && store::uid_of(o) == uid) return o;
  }
  return std::nullopt;
}

garbage_core::standing garbage_core::owner_standing(const store::view& v, std::string_view ns, std::string_view kind,
                                                    std::string_view name, std::string_view uid) const {
  if (!by_kind_.contains(kind)) return standing::there;
  auto o = find_owner(v, ns, kind, name, uid);
  if (!o) return standing::gone;
  return deleting(*o) && has_finalizer(*o, foreground) ? standing::leaving : standing::there;
}

// -- one object -------------------------------------------------------------------------------------------------------

effects garbage_core::reconcile(const store::view& v, const store::object_key& key, const moment& now) const {
  auto o = v.get(key.resource, key.ns, key.name);
  if (!o) return {};
  if (deleting(o) && has_finalizer(o, orphan)) return finish_orphaning(v, o);
  if (deleting(o) && has_finalizer(o, foreground)) return finish_foreground(v, o, now);
  return has_owners(o) ? judge(v, o, now) : effects{};
}

/// Strikes the owner from its dependents, then its finalizer.
effects garbage_core::finish_orphaning(const store::view& v, const store::object& o) const {
  effects out;
  std::vector<store::change> changes;
  for (const auto& dependent : v.owned_by(store::uid_of(o))) {
    if (changes.size() == changes_max) break;
    auto value = store::parse(dependent);
    strike_owner(value, store::uid_of(o));
    changes.push_back(update(dependent, std::move(value)));
  }
  if (changes.empty())
    changes.push_back(without_finalizer(o, orphan));
  else
    out.requeue(1);
  out.commit(std::move(changes));
  return out;
}

/// Waits for the dependents that block the owner (they are judged by themselves), then strikes its finalizer.
effects garbage_core::finish_foreground(const store::view& v, const store::object& o, const moment&) const {
  effects out;
  for (const auto& dependent : v.owned_by(store::uid_of(o)))
    if (blocks(dependent, store::uid_of(o))) return out;
  out.commit_one(without_finalizer(o, foreground));
  return out;
}

/// Decides about an object by how its owners stand (garbagecollector.attemptToDeleteItem).
effects garbage_core::judge(const store::view& v, const store::object& o, const moment& now) const {
  effects out;
  size_t there = 0;
  std::vector<std::string> gone, leaving;
  for (auto r : (*o).getOwners()) {
    auto uid = store::view_of(r.getUid());
    switch (owner_standing(v, store::namespace_of(o), store::view_of(r.getKind()), store::view_of(r.getName()), uid)) {
      case standing::there:
        ++there;
        break;
      case standing::leaving:
        leaving.emplace_back(uid);
        break;
      case standing::gone:
        gone.emplace_back(uid);
        break;
    }
  }
  if (there == 0) {
    // An owner that waits in the foreground makes its dependents wait for theirs.
    kube::deletion_request how;
    if (!leaving.empty() && !v.owned_by(store::uid_of(o)).empty()) how.policy = kube::propagation::foreground;
    if (auto c = erase(o, how, now.now_ms)) out.commit_one(std::move(*c));
    return out;
  }
  if (gone.empty() && leaving.empty()) return out;
  auto value = store::parse(o);
  for (const auto& uid : gone) strike_owner(value, uid);
  for (const auto& uid : leaving) strike_owner(value, uid);
  out.commit_one(update(o, std::move(value)));
  return out;
}

caf::behavior garbage_controller(base::stateful<garbage_state>* self, controller_args args) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<garbage_core>(args.registry);
  st.shell = std::make_unique<loop>(self, args, spec_for(*st.core, std::string{path}, {}));
  st.shell->start();
  return st.shell->handlers();
}

}  // namespace skerry::controllers
