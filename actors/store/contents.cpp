#include "actors/store/contents.hpp"

#include <algorithm>

namespace skerry::store {

int by_place::compare(const object& a, const place& b) {
  auto r = *a;
  auto order = view_of(r.getNamespace()).compare(b.ns);
  return order != 0 ? order : view_of(r.getName()).compare(b.name);
}

int by_owner::compare(const owned& a, const owned& b) {
  if (auto order = a.owner_uid.compare(b.owner_uid)) return order;
  if (auto order = resource_of(a.what).compare(resource_of(b.what))) return order;
  return by_place::compare(a.what, b.what);
}

int by_node::compare(const object& a, const object& b) {
  auto order = node_of(a).compare(node_of(b));
  return order != 0 ? order : by_place::compare(a, b);
}

std::vector<contents::shelf>::iterator contents::lower_bound(std::string_view resource) {
  return std::lower_bound(shelves_.begin(), shelves_.end(), resource,
                          [](const shelf& s, std::string_view r) { return *s.resource < r; });
}

const contents::objects* contents::of(std::string_view resource) const {
  auto i = const_cast<contents*>(this)->lower_bound(resource);
  return i != shelves_.end() && *i->resource == resource ? &i->all : nullptr;
}

object contents::get(std::string_view resource, std::string_view ns, std::string_view name) const {
  const auto* all = of(resource);
  const auto* found = all != nullptr ? all->find(place{ns, name}) : nullptr;
  return found != nullptr ? *found : object{};
}

object contents::put(const object& o) {
  auto resource = resource_of(o);
  auto i = lower_bound(resource);
  if (i == shelves_.end() || *i->resource != resource)
    i = shelves_.insert(i, {std::make_shared<const std::string>(resource), {}});
  const auto* found = i->all.find(o);
  object before = found != nullptr ? *found : object{};
  i->all.insert(o);
  if (before) unindex(before);
  index(o);
  return before;
}

object contents::erase(std::string_view resource, std::string_view ns, std::string_view name) {
  auto before = get(resource, ns, name);
  if (!before) return before;
  auto i = lower_bound(resource);
  i->all.erase(place{ns, name});
  if (i->all.empty()) shelves_.erase(i);
  unindex(before);
  return before;
}

void contents::index(const object& o) {
  for (auto owner : (*o).getOwners()) owners_.insert(owned{o, view_of(owner.getUid())});
  if (!node_of(o).empty()) nodes_.insert(o);
}

void contents::unindex(const object& o) {
  for (auto owner : (*o).getOwners()) owners_.erase(owned{o, view_of(owner.getUid())});
  if (!node_of(o).empty()) nodes_.erase(o);
}

std::vector<object> contents::owned_by(std::string_view owner_uid) const {
  std::vector<object> out;
  owners_.visit_from(owner_uid, true, [&](const owned& x) {
    if (x.owner_uid != owner_uid) return false;
    out.push_back(x.what);
    return true;
  });
  return out;
}

std::vector<object> contents::pods_on(std::string_view node) const {
  std::vector<object> out;
  nodes_.visit_from(node, true, [&](const object& o) {
    if (node_of(o) != node) return false;
    out.push_back(o);
    return true;
  });
  return out;
}

std::vector<std::string> contents::resources() const {
  std::vector<std::string> out;
  for (const auto& s : shelves_) out.push_back(*s.resource);
  return out;
}

size_t contents::size() const {
  size_t n = 0;
  for (const auto& s : shelves_) n += s.all.size();
  return n;
}

void contents_view::scan(std::string_view resource, std::string_view ns, std::string_view after,
                         const std::function<bool(const object&)>& visit) const {
  const auto* all = contents_.of(resource);
  if (all == nullptr) return;
  if (!ns.empty()) {
    all->visit_from(place{ns, after}, false, [&](const object& o) { return namespace_of(o) == ns && visit(o); });
    return;
  }
  auto slash = after.find('/');
  auto from =
      slash == std::string_view::npos ? place{{}, after} : place{after.substr(0, slash), after.substr(slash + 1)};
  all->visit_from(from, false, [&](const object& o) { return visit(o); });
}

size_t contents_view::count(std::string_view resource) const {
  const auto* all = contents_.of(resource);
  return all != nullptr ? all->size() : 0;
}

}  // namespace skerry::store
