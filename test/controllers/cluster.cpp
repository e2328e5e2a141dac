#include "cluster.hpp"

#include <algorithm>

#include "schema/kube/defaults.hpp"
#include "schema/kube/stamp.hpp"

namespace skerry::test {

uint64_t seeded::next() {
  auto z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

store::object map_view::get(std::string_view resource, std::string_view ns, std::string_view name) const {
  auto i = objects_.find(controllers::key_of(resource, ns, name));
  return i == objects_.end() ? store::object{} : i->second;
}

void map_view::scan(std::string_view resource, std::string_view ns, std::string_view,
                    const std::function<bool(const store::object&)>& visit) const {
  for (auto i = objects_.lower_bound(controllers::key_of(resource, ns, "")); i != objects_.end(); ++i) {
    if (i->first.resource != resource || (!ns.empty() && i->first.ns != ns)) break;
    if (!visit(i->second)) break;
  }
}

size_t map_view::count(std::string_view resource) const {
  size_t n = 0;
  scan(resource, "", "", [&](const store::object&) { return ++n, true; });
  return n;
}

std::vector<store::object> map_view::owned_by(std::string_view uid) const {
  std::vector<store::object> out;
  for (const auto& [key, o] : objects_)
    for (auto r : (*o).getOwners())
      if (store::view_of(r.getUid()) == uid) {
        out.push_back(o);
        break;
      }
  return out;
}

std::vector<store::object> map_view::pods_on(std::string_view node) const {
  std::vector<store::object> out;
  scan("pods", "", "", [&](const store::object& o) {
    if (store::node_of(o) == node) out.push_back(o);
    return true;
  });
  return out;
}

std::vector<store::object> map_view::devices_on(std::string_view node) const {
  std::vector<store::object> out;
  scan(store::devices_resource, "", "", [&](const store::object& o) {
    if (store::node_of(o) == node) out.push_back(o);
    return true;
  });
  return out;
}

std::vector<std::string> map_view::resources() const {
  std::vector<std::string> out;
  for (const auto& [key, o] : objects_)
    if (out.empty() || out.back() != key.resource) out.push_back(key.resource);
  return out;
}

json::value parsed(std::string_view text) {
  std::string error;
  auto v = parse_json(text, error);
  BOOST_REQUIRE_MESSAGE(error.empty(), error);
  return v;
}

const kube::registry& registry() {
  static const kube::registry r;
  return r;
}

cluster::cluster(uint64_t seed) : random_(seed) { create("namespaces", R"({"metadata":{"name":"default"}})"); }

// -- client -----------------------------------------------------------------------------------------------------------

store::object cluster::create(std::string_view resource, json::value value) {
  const auto* info = registry().find_id(resource);
  BOOST_REQUIRE(info != nullptr);
  auto ns = info->namespaced ? std::string{string_at(value, "metadata.namespace", "default")} : std::string{};
  json::value status = object_at(value, "status");
  auto c = controllers::create(registry(), resource, ns, std::move(value), now());
  if (!status.get_object().empty()) c.object.value.as_object()["status"] = std::move(status);
  auto key = c.object.key;
  BOOST_REQUIRE(apply({{std::move(c)}}));
  return objects_.at(key);
}

store::object cluster::create(std::string_view resource, const char* text) { return create(resource, parsed(text)); }

void cluster::change(std::string_view resource, std::string_view ns, std::string_view name,
                     const std::function<void(json::value&)>& edit) {
  auto before = objects_.at(controllers::key_of(resource, ns, name));
  auto value = store::parse(before);
  edit(value);
  auto old = store::parse(before);
  const auto* was = find(old, "spec");
  const auto* is = find(value, "spec");
  if (is != nullptr && was != nullptr && *was != *is) controllers::raise_generation(value);
  BOOST_REQUIRE(apply({{controllers::update_or_remove(before, std::move(value))}}));
}

void cluster::erase(std::string_view resource, std::string_view ns, std::string_view name,
                    const kube::deletion_request& how) {
  auto c = controllers::erase(objects_.at(controllers::key_of(resource, ns, name)), how, now_ms_);
  if (c) BOOST_REQUIRE(apply({{std::move(*c)}}));
}

json::value cluster::at(std::string_view resource, std::string_view ns, std::string_view name) const {
  auto i = objects_.find(controllers::key_of(resource, ns, name));
  BOOST_REQUIRE_MESSAGE(i != objects_.end(), "no " << resource << " " << ns << "/" << name);
  return store::parse(i->second);
}

std::vector<json::value> cluster::all(std::string_view resource) const {
  std::vector<json::value> out;
  view()->scan(resource, "", "", [&](const store::object& o) {
    out.push_back(store::parse(o));
    return true;
  });
  return out;
}

bool cluster::has(std::string_view resource, std::string_view ns, std::string_view name) const {
  return objects_.contains(controllers::key_of(resource, ns, name));
}

// -- store ------------------------------------------------------------------------------------------------------------

bool cluster::apply(const store::commit& c) {
  std::set<store::object_key> made;
  for (const auto& x : c.changes) {
    auto i = objects_.find(x.object.key);
    bool there = i != objects_.end() || made.contains(x.object.key);
    if ((x.what == store::verb::create) == there) return false;
    if (x.what == store::verb::create) {
      made.insert(x.object.key);
      continue;
    }
    if (x.expected_revision && *x.expected_revision != store::revision_of(i->second)) return false;
    if (!x.expected_uid.empty() && x.expected_uid != store::uid_of(i->second)) return false;
  }
  for (const auto& x : c.changes) {
    store::event e;
    e.revision = ++revision_;
    auto& slot = objects_[x.object.key];
    e.before = slot;
    if (x.what == store::verb::remove) {
      e.type = store::event_type::deleted;
      e.now = slot;
      objects_.erase(x.object.key);
    } else {
      e.type = x.what == store::verb::create ? store::event_type::added : store::event_type::modified;
      e.now = slot = store::freeze(x.object, revision_);
    }
    for (auto& r : runners_) r->waiting.push_back(e);
  }
  view_ = nullptr;
  if (views_.size() >= 4) views_.erase(views_.begin());
  views_.push_back(view());
  if (invariant) invariant();
  return true;
}

std::shared_ptr<const map_view> cluster::view() const {
  if (!view_) view_ = std::make_shared<map_view>(objects_, revision_);
  return view_;
}

// -- controllers ------------------------------------------------------------------------------------------------------

void cluster::add_spec(controllers::loop_spec spec) {
  auto r = std::make_unique<runner>();
  r->spec = std::move(spec);
  r->observed = revision_;
  r->spec.reset(*view(), [&dirty = r->dirty](const store::object_key& k) { dirty.insert(k); });
  runners_.push_back(std::move(r));
}

void cluster::deliver(runner& r, size_t n) {
  for (; n > 0 && !r.waiting.empty(); --n) {
    auto e = r.waiting.front();
    r.waiting.pop_front();
    r.observed = e.revision;
    const auto& mine = r.spec.resources;
    if (mine.empty() || std::find(mine.begin(), mine.end(), store::resource_of(e.now)) != mine.end())
      r.spec.observe(*view(), e, [&](const store::object_key& k) { r.dirty.insert(k); });
  }
}

void cluster::work(runner& r) {
  if (r.observed < r.own) deliver(r, r.waiting.size());
  // An old view is seen as long as it holds all that this controller wrote itself, and not less than was observed.
  auto v = view();
  for (const auto& old : views_)
    if (old->revision() >= r.own && old->revision() >= r.observed && random_.below(3) == 0) v = old;
  auto i = std::next(r.dirty.begin(), static_cast<std::ptrdiff_t>(random_.below(r.dirty.size())));
  auto key = *i;
  r.dirty.erase(i);
  auto e = r.spec.reconcile(*v, key, now());
  for (const auto& c : e.commits)
    if (apply(c))
      r.own = revision_;
    else
      r.dirty.insert(key);
  if (e.requeue_ms) {
    auto at = now_ms_ + *e.requeue_ms;
    auto [d, fresh] = r.due.emplace(key, at);
    if (!fresh) d->second = std::min(d->second, at);
  }
}

bool cluster::step() {
  std::vector<runner*> busy;
  for (auto& r : runners_)
    if (!r->dirty.empty() || !r->waiting.empty()) busy.push_back(r.get());
  if (busy.empty()) return false;
  auto& r = *busy[random_.below(busy.size())];
  deliver(r, 1 + random_.below(8));
  if (!r.dirty.empty()) work(r);
  return true;
}

void cluster::settle(size_t steps_max, int64_t patience_ms) {
  auto end = now_ms_ + patience_ms;
  for (size_t n = 0; n < steps_max; ++n) {
    if (world && random_.below(8) == 0 && world()) continue;
    if (step()) continue;
    if (world && world()) continue;
    runner* next = nullptr;
    store::object_key key;
    int64_t at = end;
    for (auto& r : runners_)
      for (const auto& [k, due] : r->due)
        if (due <= at) std::tie(next, key, at) = std::make_tuple(r.get(), k, due);
    if (next == nullptr) return;
    now_ms_ = std::max(now_ms_, at);
    next->due.erase(key);
    next->dirty.insert(key);
  }
  BOOST_FAIL("the controllers do not come to rest");
}

// -- kubelet ----------------------------------------------------------------------------------------------------------

bool fake_kubelet::operator()() {
  bool acted = false;
  auto v = cluster_.view();
  std::vector<store::object> pods;
  v->scan("pods", "", "", [&](const store::object& o) {
    pods.push_back(o);
    return true;
  });
  for (const auto& pod : pods) {
    bool end = controllers::deleting(pod);
    if (!end && (store::phase_of(pod) == "Running" || (store::node_of(pod).empty() && !binds))) continue;
    auto value = store::parse(pod);
    if (!end && !broken_image.empty() && string_at(array_at(value, "spec.containers").at(0), "image") == broken_image)
      continue;
    acted = true;
    if (cluster_.random().below(3) == 0) continue;  // its turn comes
    if (end) {
      cluster_.apply({{controllers::remove(pod)}});
      continue;
    }
    if (store::node_of(pod).empty()) ensure(value, "spec.nodeName") = "n1";
    ensure(value, "status.phase") = "Running";
    ensure(value, "status.conditions") = json::array{json::object{
        {"type", "Ready"}, {"status", "True"}, {"lastTransitionTime", format_time(cluster_.now().now_ms)}}};
    cluster_.apply({{controllers::update(pod, std::move(value))}});
  }
  return acted;
}

}  // namespace skerry::test
