#include "actors/base/directory.hpp"

#include <mutex>

namespace skerry::base {

identity directory::put(std::string_view path, caf::actor a) {
  auto* known = actor_of(a);
  identity id = known != nullptr ? known->named(path) : identity{};
  bool stranger = id.path() != path;
  if (stranger) id = identity::make(path);
  slots::node_type old;  // dropped after the lock: its last reference may run a destructor
  std::unique_lock lock{mutex_};
  if (auto i = traced_.find(path); i != traced_.end() && known != nullptr) known->trace(i->second);
  if (auto i = actors_.find(path); i != actors_.end()) old = take(i);
  if (stranger && a) strangers_[a.id()] = id;
  actors_.insert({id, std::move(a)});
  ++version_;
  lock.unlock();
  return id;
}

directory::slots::node_type directory::take(slots::iterator i) {
  strangers_.erase(i->who.id());
  return actors_.extract(i);
}

void directory::erase(std::string_view path, caf::actor_id id) {
  slots::node_type old;
  std::unique_lock lock{mutex_};
  auto i = actors_.find(path);
  if (i == actors_.end() || i->who.id() != id) return;
  old = take(i);
  ++version_;
  lock.unlock();
}

caf::actor directory::find(std::string_view path) const {
  std::shared_lock lock{mutex_};
  auto i = actors_.find(path);
  return i == actors_.end() ? caf::actor{} : i->who;
}

std::string directory::path_of(const caf::actor& who) const {
  if (!who) return {};
  auto* known = actor_of(who);
  std::shared_lock lock{mutex_};
  if (auto s = strangers_.find(who.id()); s != strangers_.end()) return std::string{s->second.path()};
  if (known == nullptr) return {};
  auto i = actors_.find(known->path());
  return i != actors_.end() && i->who == who ? std::string{known->path()} : std::string{};
}

std::function<caf::actor()> directory::finder(std::string path) const {
  return [this, path = std::move(path)] { return find(path); };
}

std::vector<std::string> directory::list(std::string_view prefix) const {
  std::vector<std::string> out;
  std::shared_lock lock{mutex_};
  for (auto i = actors_.lower_bound(prefix); i != actors_.end() && i->id.path().starts_with(prefix); ++i)
    out.emplace_back(i->id.path());
  return out;
}

std::vector<directory::entry> directory::entries(std::string_view prefix, std::string_view after, size_t max) const {
  std::vector<entry> out;
  std::shared_lock lock{mutex_};
  auto i = after < prefix ? actors_.lower_bound(prefix) : actors_.upper_bound(after);
  for (; i != actors_.end() && i->id.path().starts_with(prefix) && out.size() < max; ++i)
    out.push_back({std::string{i->id.path()}, i->who});
  return out;
}

void directory::trace(const std::string& path, trace_sink* sink) {
  std::unique_lock lock{mutex_};
  if (sink != nullptr)
    traced_[path] = sink;
  else
    traced_.erase(path);
  auto i = actors_.find(path);
  if (i == actors_.end()) return;
  if (auto* watched = actor_of(i->who)) watched->trace(sink);
}

}  // namespace skerry::base
