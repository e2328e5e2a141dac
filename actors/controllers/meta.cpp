#include "actors/controllers/meta.hpp"

#include <algorithm>
#include <cstring>

#include "schema/kube/defaults.hpp"
#include "schema/kube/stamp.hpp"

namespace skerry::controllers {

std::optional<std::string_view> label_of(const store::object& o, std::string_view key) {
  for (auto l : (*o).getLabels())
    if (store::view_of(l.getKey()) == key) return store::view_of(l.getValue());
  return std::nullopt;
}

bool selects(const kube::label_selector& selector, const store::object& o) {
  return selector.matches_with([&](std::string_view key) { return label_of(o, key); });
}

bool has_finalizer(const store::object& o, std::string_view finalizer) {
  for (auto f : (*o).getFinalizers())
    if (store::view_of(f) == finalizer) return true;
  return false;
}

bool pod_ended(const store::object& pod) {
  auto phase = store::phase_of(pod);
  return phase == "Succeeded" || phase == "Failed";
}

std::optional<owner> controller_of(const store::object& o) {
  for (auto r : (*o).getOwners())
    if (r.getController())
      return owner{store::view_of(r.getUid()), store::view_of(r.getKind()), store::view_of(r.getName())};
  return std::nullopt;
}

bool namespace_closed(const store::view& v, std::string_view ns) {
  auto o = v.get(resources::namespaces, "", ns);
  return !o || deleting(o);
}

store::object_key key_of(std::string_view resource, std::string_view ns, std::string_view name) {
  return {std::string{resource}, std::string{ns}, std::string{name}};
}

store::change create(const kube::registry& registry, std::string_view resource, std::string_view ns, json::value value,
                     const moment& now) {
  const auto* info = registry.find_id(resource);
  if (info == nullptr) throw std::logic_error("resource " + std::string{resource} + " is not served");
  kube::apply_defaults(*info, value);
  kube::stamp_new(*info, value, ns, now.now_ms, ports::make_uuid(now.random), ports::make_suffix(now.random));
  store::change c;
  c.what = store::verb::create;
  c.object.key = key_of(resource, ns, string_at(value, "metadata.name"));
  c.object.value = std::move(value);
  return c;
}

store::change update(const store::object& before, json::value value) {
  store::change c;
  c.what = store::verb::update;
  c.object = {store::key_of(before), std::move(value)};
  c.expected_revision = store::revision_of(before);
  c.expected_uid = store::uid_of(before);
  return c;
}

store::change update_or_remove(const store::object& before, json::value value) {
  auto c = update(before, std::move(value));
  if (kube::deletion_complete(c.object.value, c.object.key.resource)) c.what = store::verb::remove;
  return c;
}

store::change remove(const store::object& o) {
  store::change c;
  c.what = store::verb::remove;
  c.object.key = store::key_of(o);
  c.expected_uid = store::uid_of(o);
  return c;
}

std::optional<store::change> erase(const store::object& o, const kube::deletion_request& request, int64_t now_ms) {
  auto value = store::parse(o);
  switch (kube::begin_deletion(value, store::resource_of(o), request, now_ms)) {
    case kube::deletion_step::unchanged:
      return std::nullopt;
    case kube::deletion_step::update:
      return update(o, std::move(value));
    case kube::deletion_step::remove:
      break;
  }
  auto c = remove(o);
  c.expected_revision = store::revision_of(o);
  return c;
}

// -- owners and annotations -------------------------------------------------------------------------------------------

json::object owner_reference(const json::value& owner) {
  return {{"apiVersion", string_at(owner, "apiVersion")},
          {"kind", string_at(owner, "kind")},
          {"name", string_at(owner, "metadata.name")},
          {"uid", string_at(owner, "metadata.uid")},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

void add_owner(json::value& object, json::object reference) {
  auto& list = ensure(object, "metadata.ownerReferences");
  if (!list.is_array()) list.emplace_array();
  list.get_array().push_back(std::move(reference));
}

void strike_owner(json::value& object, std::string_view uid) {
  auto* list = find(object, "metadata.ownerReferences");
  if (list == nullptr || !list->is_array()) return;
  json::array kept;
  for (auto& r : list->get_array())
    if (string_at(r, "uid") != uid) kept.push_back(std::move(r));
  if (kept.empty())
    ensure(object, "metadata").get_object().erase("ownerReferences");
  else
    *list = std::move(kept);
}

void raise_generation(json::value& object) {
  ensure(object, "metadata.generation") = int_at(object, "metadata.generation") + 1;
}

std::string_view annotation_at(const json::value& object, std::string_view key) {
  const auto* v = object_at(object, "metadata.annotations").if_contains(key);
  const auto* s = v != nullptr ? v->if_string() : nullptr;
  return s != nullptr ? std::string_view{s->data(), s->size()} : std::string_view{};
}

bool set_annotation(json::value& object, std::string_view key, std::string_view value) {
  auto& annotations = ensure(object, "metadata.annotations");
  if (!annotations.is_object()) annotations.emplace_object();
  auto& entry = annotations.get_object()[key];
  if (entry.is_string() && entry.get_string() == value) return false;
  entry = value;
  return true;
}

const json::value* find_condition(const json::array& conditions, std::string_view type) {
  for (const auto& c : conditions)
    if (string_at(c, "type") == type) return &c;
  return nullptr;
}

// -- claims -----------------------------------------------------------------------------------------------------------

void orphan_index::reset(const store::view& v, std::string_view resource) {
  by_namespace_.clear();
  v.scan(resource, "", "", [&](const store::object& o) {
    put(o);
    return true;
  });
}

void orphan_index::put(const store::object& o) {
  if (controller_of(o)) return erase(o);
  by_namespace_[std::string{store::namespace_of(o)}].emplace(store::name_of(o));
}

void orphan_index::erase(const store::object& o) {
  auto n = by_namespace_.find(store::namespace_of(o));
  if (n == by_namespace_.end()) return;
  if (auto i = n->second.find(store::name_of(o)); i != n->second.end()) n->second.erase(i);
  if (n->second.empty()) by_namespace_.erase(n);
}

const std::set<std::string, std::less<>>& orphan_index::in(std::string_view ns) const {
  static const std::set<std::string, std::less<>> none;
  auto n = by_namespace_.find(ns);
  return n == by_namespace_.end() ? none : n->second;
}

claim_result claim(const store::view& v, const store::object& owner, const json::value& owner_json,
                   std::string_view resource, const kube::label_selector& selector, const orphan_index& orphans,
                   bool (*eligible)(const store::object&)) {
  claim_result out;
  bool leaving = deleting(owner);
  auto ns = store::namespace_of(owner);
  for (const auto& o : v.owned_by(store::uid_of(owner))) {
    auto c = controller_of(o);
    if (store::resource_of(o) != resource || store::namespace_of(o) != ns || !c || c->uid != store::uid_of(owner))
      continue;
    if (selects(selector, o)) {
      out.mine.push_back(o);
    } else if (!leaving && out.changes.size() < claims_max) {
      auto value = store::parse(o);
      strike_owner(value, store::uid_of(owner));
      out.changes.push_back(update(o, std::move(value)));
    }
  }
  if (leaving) return out;
  for (const auto& name : orphans.in(ns)) {
    if (out.changes.size() >= claims_max) break;
    auto o = v.get(resource, ns, name);
    if (!o || controller_of(o) || deleting(o) || !eligible(o) || !selects(selector, o)) continue;
    auto value = store::parse(o);
    add_owner(value, owner_reference(owner_json));
    out.changes.push_back(update(o, std::move(value)));
  }
  return out;
}

// -- pods -------------------------------------------------------------------------------------------------------------

namespace {

/// The text of the array under `key` ("\"conditions\":[") in JSON that has no space between tokens; empty if it is not
/// there, or more than once. Quotes within strings are escaped, so a key is not found in one.
std::string_view array_text(std::string_view json, std::string_view key) {
  auto find = [&](size_t from) {
    const auto* at = ::memmem(json.data() + from, json.size() - from, key.data(), key.size());
    return at != nullptr ? static_cast<size_t>(static_cast<const char*>(at) - json.data()) : std::string_view::npos;
  };
  auto at = find(0);
  if (at == std::string_view::npos || find(at + 1) != std::string_view::npos) return {};
  auto from = json.substr(at + key.size() - 1);
  bool quoted = false;
  int depth = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    auto c = from[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '[' || c == '{'))
      ++depth;
    else if (!quoted && (c == ']' || c == '}') && --depth == 0)
      return from.substr(0, i + 1);
  }
  return {};
}

std::pair<bool, int64_t> readiness_in(const json::array& conditions) {
  const auto* c = find_condition(conditions, "Ready");
  if (c == nullptr) return {};
  return {string_at(*c, "status") == "True", parse_time(string_at(*c, "lastTransitionTime")).value_or(0)};
}

}  // namespace

std::pair<bool, int64_t> readiness_of(const store::object& pod) {
  constexpr std::string_view word = R"("Ready")";
  auto text = store::json_of(pod);
  if (::memmem(text.data(), text.size(), word.data(), word.size()) == nullptr) return {};
  auto conditions = array_text(text, R"("conditions":[)");
  if (conditions.empty()) return readiness_in(array_at(store::parse(pod), "status.conditions"));
  std::string error;
  auto list = parse_json(conditions, error);
  return list.is_array() ? readiness_in(list.get_array()) : std::pair<bool, int64_t>{};
}

pod_facts read_pod_facts(const store::object& pod) {
  auto value = store::parse(pod);
  pod_facts f;
  f.revision = store::revision_of(pod);
  std::tie(f.ready, f.ready_since_ms) = readiness_in(array_at(value, "status.conditions"));
  for (const auto& s : array_at(value, "status.containerStatuses"))
    f.restarts = std::max(f.restarts, int_at(s, "restartCount"));
  std::string cost{annotation_at(value, "controller.kubernetes.io/pod-deletion-cost")};
  f.deletion_cost = std::strtol(cost.c_str(), nullptr, 10);
  return f;
}

const pod_facts& pod_memo::of(const store::object& pod) {
  if (facts_.size() > pods_max) facts_.clear();
  auto& f = facts_[std::string{store::uid_of(pod)}];
  if (f.revision != store::revision_of(pod)) f = read_pod_facts(pod);
  return f;
}

void pod_memo::forget(const store::object& pod) { facts_.erase(std::string{store::uid_of(pod)}); }

}  // namespace skerry::controllers
