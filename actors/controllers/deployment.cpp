#include "actors/controllers/deployment.hpp"

#include "actors/controllers/deployment_pass.hpp"

namespace skerry::controllers {

namespace {

constexpr std::string_view path = "/cloud/controllers/deployment";

std::optional<kube::label_selector> selector_of(const json::value& object) {
  const auto* s = find(object, "spec.selector");
  if (s == nullptr) return std::nullopt;
  auto selector = kube::label_selector::from_object(*s);
  if (!selector || selector->matches_all()) return std::nullopt;
  return std::move(*selector);
}

bool any(const store::object&) { return true; }

bool mark_owner(const store::object& o, std::string_view kind, std::string_view resource, const marker& mark) {
  auto c = controller_of(o);
  if (c && c->kind == kind) mark(key_of(resource, store::namespace_of(o), c->name));
  return c.has_value();
}

}  // namespace

void deployment_core::reset(const store::view& v, const marker& mark) {
  orphans_.reset(v, resources::replicasets);
  resync(v, mark);
}

void deployment_core::resync(const store::view& v, const marker& mark) {
  v.scan(resources::deployments, "", "", [&](const store::object& d) {
    mark(store::key_of(d));
    return true;
  });
}

void deployment_core::observe(const store::view& v, const store::event& e, const marker& mark) {
  auto resource = store::resource_of(e.now);
  if (resource == resources::deployments) return mark(store::key_of(e.now));
  if (resource == resources::pods) {
    // Recreate waits for the end of old pods; all else of pods comes by the status of their ReplicaSet.
    if (e.type != store::event_type::deleted && !pod_ended(e.now)) return;
    auto c = controller_of(e.now);
    if (!c || c->kind != "ReplicaSet") return;
    if (auto rs = v.get(resources::replicasets, store::namespace_of(e.now), c->name))
      mark_owner(rs, "Deployment", resources::deployments, mark);
    return;
  }
  if (resource != resources::replicasets) return;
  orphans_.observe(e);
  if (e.before) mark_owner(e.before, "Deployment", resources::deployments, mark);
  if (mark_owner(e.now, "Deployment", resources::deployments, mark) || e.type == store::event_type::deleted) return;
  v.scan(resources::deployments, store::namespace_of(e.now), "", [&](const store::object& d) {
    auto selector = selector_of(store::parse(d));
    if (selector && selects(*selector, e.now)) mark(store::key_of(d));
    return true;
  });
}

effects deployment_core::reconcile(const store::view& v, const store::object_key& key, const moment& now) {
  auto d = v.get(key.resource, key.ns, key.name);
  if (!d || namespace_closed(v, key.ns)) return {};
  auto value = store::parse(d);
  auto selector = selector_of(value);
  if (!selector) return {};
  auto claimed = claim(v, d, value, resources::replicasets, *selector, orphans_, any);
  if (!claimed.changes.empty()) {
    effects out;
    out.commit(std::move(claimed.changes));
    return out;
  }
  return deployment_pass{v, registry_, recorder_, now, d, std::move(value), claimed.mine}.run();
}

caf::behavior deployment_controller(base::stateful<deployment_state>* self, controller_args args) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<deployment_core>(args.registry);
  st.shell = std::make_unique<loop>(self, args,
                                    spec_for(*st.core, std::string{path},
                                             {std::string{resources::deployments}, std::string{resources::replicasets},
                                              std::string{resources::pods}}));
  st.shell->start();
  return st.shell->handlers();
}

}  // namespace skerry::controllers
