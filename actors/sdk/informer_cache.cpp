#include "actors/sdk/informer_cache.hpp"

#include <utility>

namespace skerry::sdk {

void informer_cache::add_index(std::string name, index_function f) { indexes_[std::move(name)].values = std::move(f); }

object informer_cache::get(std::string_view ns, std::string_view name) const {
  auto i = objects_.find({std::string{ns}, std::string{name}});
  return i == objects_.end() ? object{} : i->second;
}

std::vector<object> informer_cache::list(std::string_view ns) const {
  std::vector<object> out;
  for (auto i = objects_.lower_bound({std::string{ns}, {}}); i != objects_.end(); ++i) {
    if (!ns.empty() && i->first.first != ns) break;
    out.push_back(i->second);
  }
  return out;
}

std::vector<object> informer_cache::by_index(std::string_view index, std::string_view value) const {
  std::vector<object> out;
  auto i = indexes_.find(index);
  if (i == indexes_.end()) return out;
  auto at = i->second.places.find(value);
  if (at == i->second.places.end()) return out;
  for (const auto& p : at->second) out.push_back(objects_.at(p));
  return out;
}

void informer_cache::index_in(const place& p, const object& o) {
  for (auto& [name, i] : indexes_)
    for (auto& value : i.values(o)) i.places[std::move(value)].insert(p);
}

void informer_cache::index_out(const place& p, const object& o) {
  for (auto& [name, i] : indexes_)
    for (const auto& value : i.values(o)) {
      auto at = i.places.find(value);
      if (at == i.places.end()) continue;
      at->second.erase(p);
      if (at->second.empty()) i.places.erase(at);
    }
}

void informer_cache::begin_list() {
  listing_ = true;
  listed_.clear();
}

void informer_cache::present(const object& o) { store(o, true); }
void informer_cache::put(const object& o) { store(o, false); }

void informer_cache::store(const object& o, bool listed) {
  place p{store::namespace_of(o), store::name_of(o)};
  if (listed && listing_) listed_.insert(p);
  auto i = objects_.find(p);
  if (i == objects_.end()) {
    index_in(p, objects_.emplace(p, o).first->second);
    if (handlers_.added) handlers_.added(o);
    return;
  }
  auto before = i->second;
  auto known = store::revision_of(before), now = store::revision_of(o);
  if (listed ? now == known : now <= known) return;
  index_out(p, before);
  i->second = o;
  index_in(p, o);
  if (store::uid_of(before) == store::uid_of(o)) {
    if (handlers_.updated) handlers_.updated(before, o);
    return;
  }
  // Removed and made anew under its name: two objects, not one that changed.
  if (handlers_.deleted) handlers_.deleted(before);
  if (handlers_.added) handlers_.added(o);
}

void informer_cache::gone(const object& last) {
  auto i = objects_.find({std::string{store::namespace_of(last)}, std::string{store::name_of(last)}});
  if (i != objects_.end() && store::revision_of(i->second) <= store::revision_of(last)) erase(i, last);
}

void informer_cache::erase(std::map<place, object>::iterator i, const object& last) {
  auto known = i->second;
  index_out(i->first, known);
  objects_.erase(i);
  if (handlers_.deleted) handlers_.deleted(last);
}

void informer_cache::end_list(uint64_t revision) {
  for (auto i = objects_.begin(); i != objects_.end();) {
    auto here = i++;
    if (listing_ && !listed_.contains(here->first)) erase(here, object{here->second});
  }
  listing_ = false;
  listed_.clear();
  bool first = !std::exchange(synced_, true);
  revision_ = revision;  // also back, if the cloud is another one than before
  if (first && handlers_.synced) handlers_.synced();
}

void informer_cache::resync() const {
  if (!handlers_.updated) return;
  for (const auto& o : list()) handlers_.updated(o, o);
}

}  // namespace skerry::sdk
