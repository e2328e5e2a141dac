#include "actors/controllers/namespaces.hpp"

#include <algorithm>
#include <array>

namespace skerry::controllers {

namespace {
constexpr std::string_view path = "/cloud/controllers/namespace";
constexpr std::array<std::string_view, 4> always{"default", "kube-system", "kube-public", "kube-node-lease"};
constexpr std::string_view accounts = "serviceaccounts", configmaps = "configmaps", root_ca = "kube-root-ca.crt";

bool is_furniture(const store::object& o) {
  auto resource = store::resource_of(o);
  return (resource == accounts && store::name_of(o) == "default") ||
         (resource == configmaps && store::name_of(o) == root_ca);
}
}  // namespace

void namespace_core::reset(const store::view& v, const marker& mark) {
  terminating_.clear();
  resync(v, mark);
}

void namespace_core::resync(const store::view& v, const marker& mark) {
  for (auto name : always) mark(key_of(resources::namespaces, "", name));
  v.scan(resources::namespaces, "", "", [&](const store::object& ns) {
    if (deleting(ns)) terminating_.emplace(store::name_of(ns));
    mark(store::key_of(ns));
    return true;
  });
}

void namespace_core::observe(const store::view&, const store::event& e, const marker& mark) {
  if (store::resource_of(e.now) == resources::namespaces) {
    auto name = store::name_of(e.now);
    if (deleting(e.now) && e.type != store::event_type::deleted)
      terminating_.emplace(name);
    else if (auto t = terminating_.find(name); t != terminating_.end())
      terminating_.erase(t);
    return mark(store::key_of(e.now));
  }
  auto ns = store::namespace_of(e.now);
  if (ns.empty()) return;
  // What is made late in one that goes must go as well; what went may have been the last.
  bool of_interest = e.type != store::event_type::modified && terminating_.contains(ns);
  if (of_interest || (e.type != store::event_type::added && is_furniture(e.now)))
    mark(key_of(resources::namespaces, "", ns));
}

effects namespace_core::reconcile(const store::view& v, const store::object_key& key, const moment& now) {
  auto ns = v.get(resources::namespaces, "", key.name);
  if (ns) return deleting(ns) ? empty_out(v, ns, now) : furnish(v, key.name, now);
  effects out;
  if (std::find(always.begin(), always.end(), key.name) == always.end()) return out;
  json::value fresh = json::object{{"apiVersion", "v1"},
                                   {"kind", "Namespace"},
                                   {"metadata", json::object{{"name", key.name}}},
                                   {"spec", json::object{{"finalizers", json::array{"kubernetes"}}}}};
  out.commit_one(create(registry_, resources::namespaces, "", std::move(fresh), now));
  return out;
}

effects namespace_core::furnish(const store::view& v, const std::string& ns, const moment& now) const {
  effects out;
  if (!v.get(accounts, ns, "default")) {
    json::value account =
        json::object{{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", json::object{{"name", "default"}}}};
    out.commit_one(create(registry_, accounts, ns, std::move(account), now));
  }
  if (root_ca_pem_.empty()) return out;
  json::object data{{"ca.crt", root_ca_pem_}};
  if (auto before = v.get(configmaps, ns, root_ca)) {
    auto value = store::parse(before);
    if (deleting(before) || object_at(value, "data") == data) return out;
    value.as_object()["data"] = std::move(data);
    out.commit_one(update(before, std::move(value)));
    return out;
  }
  json::value map = json::object{
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", json::object{{"name", root_ca},
                                {"annotations",
                                 json::object{{"kubernetes.io/description",
                                               "Contains a CA bundle that can be used to verify the API server of this "
                                               "cluster."}}}}},
      {"data", std::move(data)}};
  out.commit_one(create(registry_, configmaps, ns, std::move(map), now));
  return out;
}

effects namespace_core::empty_out(const store::view& v, const store::object& ns, const moment& now) const {
  effects out;
  auto name = store::name_of(ns);
  size_t left = 0;
  std::vector<store::change> changes;
  for (const auto& resource : v.resources()) {
    v.scan(resource, name, "", [&](const store::object& o) {
      if (store::namespace_of(o) != name) return true;
      ++left;
      if (auto c = erase(o, {}, now.now_ms)) changes.push_back(std::move(*c));
      if (changes.size() == changes_max) {
        out.commit(std::move(changes));
        changes.clear();
      }
      return out.commits.size() < commits_max;
    });
    if (out.commits.size() >= commits_max) break;
  }
  out.commit(std::move(changes));
  if (left > 0) {
    out.requeue(out.commits.empty() ? look_again_ms : 1);
    return out;
  }
  auto value = store::parse(ns);
  auto* finalizers = find(value, "spec.finalizers");
  json::array kept;
  if (finalizers != nullptr && finalizers->is_array())
    for (auto& f : finalizers->get_array())
      if (f != "kubernetes") kept.push_back(f);
  if (finalizers != nullptr && finalizers->is_array() && kept.size() == finalizers->get_array().size() &&
      !kube::deletion_complete(value, resources::namespaces))
    return out;  // another's finalizer holds it
  ensure(value, "spec.finalizers") = std::move(kept);
  out.commit_one(update_or_remove(ns, std::move(value)));
  return out;
}

caf::behavior namespace_controller(base::stateful<namespace_state>* self, controller_args args,
                                   std::string root_ca_pem) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<namespace_core>(args.registry, std::move(root_ca_pem));
  st.shell = std::make_unique<loop>(self, args, spec_for(*st.core, std::string{path}, {}));
  st.shell->start();
  return st.shell->handlers();
}

}  // namespace skerry::controllers
