#include "actors/store/contents.hpp"

#include <algorithm>

namespace skerry::store {

int by_key::compare(const indexed& a, const indexed& b) {
  if (auto order = a.key.compare(b.key)) return order;
  if (auto order = by_place::compare(a.at, b.at)) return order;
  return resource_of(a.at.what).compare(resource_of(b.at.what));
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
  return found != nullptr ? found->what : object{};
}

object contents::put(const object& o) {
  auto resource = resource_of(o);
  auto i = lower_bound(resource);
  if (i == shelves_.end() || *i->resource != resource)
    i = shelves_.insert(i, {std::make_shared<const std::string>(resource), {}});
  placed entry{o};
  object before;
  if (const auto* found = i->all.find(entry)) {
    before = found->what;
    leave(*found);
  }
  enter(entry);
  i->all.insert(std::move(entry));
  return before;
}

object contents::erase(std::string_view resource, std::string_view ns, std::string_view name) {
  auto i = lower_bound(resource);
  if (i == shelves_.end() || *i->resource != resource) return {};
  const auto* found = i->all.find(place{ns, name});
  if (found == nullptr) return {};
  auto before = *found;
  leave(before);
  i->all.erase(before);
  if (i->all.empty()) shelves_.erase(i);
  return before.what;
}

void contents::enter(const placed& o) {
  for (auto owner : (*o.what).getOwners()) owners_.insert({o, view_of(owner.getUid())});
  if (auto node = node_of(o.what); !node.empty()) nodes_.insert({o, node});
}

void contents::leave(const placed& o) {
  for (auto owner : (*o.what).getOwners()) owners_.erase(indexed{o, view_of(owner.getUid())});
  if (auto node = node_of(o.what); !node.empty()) nodes_.erase(indexed{o, node});
}

std::vector<object> contents::under(const index& i, std::string_view key, std::string_view resource) {
  std::vector<object> out;
  i.visit_from(key, true, [&](const indexed& x) {
    if (x.key != key) return false;
    if (resource.empty() || resource_of(x.at.what) == resource) out.push_back(x.at.what);
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
    all->visit_from(place{ns, after}, false, [&](const placed& o) { return o.ns == ns && visit(o.what); });
    return;
  }
  auto slash = after.find('/');
  auto from =
      slash == std::string_view::npos ? place{{}, after} : place{after.substr(0, slash), after.substr(slash + 1)};
  all->visit_from(from, false, [&](const placed& o) { return visit(o.what); });
}

size_t contents_view::count(std::string_view resource) const {
  const auto* all = contents_.of(resource);
  return all != nullptr ? all->size() : 0;
}

}  // namespace skerry::store
