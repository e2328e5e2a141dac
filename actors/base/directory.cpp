#include "actors/base/directory.hpp"

#include <mutex>

namespace skerry::base {

void directory::put(std::string path, caf::actor a) {
  caf::actor old;  // dropped after the lock: its last reference may run a destructor
  std::unique_lock lock{mutex_};
  if (auto i = traced_.find(path); i != traced_.end())
    if (auto* watched = actor_of(a)) watched->trace(i->second);
  auto i = actors_.try_emplace(std::move(path)).first;
  old = std::exchange(i->second, std::move(a));
  if (old) paths_.erase(old.id());
  if (i->second) paths_[i->second.id()] = &i->first;
  ++version_;
  lock.unlock();
}

void directory::erase(std::string_view path, caf::actor_id id) {
  caf::actor old;
  std::unique_lock lock{mutex_};
  auto i = actors_.find(path);
  if (i == actors_.end() || i->second.id() != id) return;
  old = std::move(i->second);
  paths_.erase(id);
  actors_.erase(i);
  ++version_;
  lock.unlock();
}

caf::actor directory::find(std::string_view path) const {
  std::shared_lock lock{mutex_};
  auto i = actors_.find(path);
  return i == actors_.end() ? caf::actor{} : i->second;
}

std::string directory::path_of(caf::actor_id id) const {
  std::shared_lock lock{mutex_};
  auto i = paths_.find(id);
  return i == paths_.end() ? std::string{} : *i->second;
}

std::function<caf::actor()> directory::finder(std::string path) const {
  return [this, path = std::move(path)] { return find(path); };
}

std::vector<std::string> directory::list(std::string_view prefix) const {
  std::vector<std::string> out;
  std::shared_lock lock{mutex_};
  for (auto i = actors_.lower_bound(prefix); i != actors_.end() && i->first.starts_with(prefix); ++i)
    out.push_back(i->first);
  return out;
}

std::vector<directory::entry> directory::entries(std::string_view prefix, std::string_view after, size_t max) const {
  std::vector<entry> out;
  std::shared_lock lock{mutex_};
  auto i = after < prefix ? actors_.lower_bound(prefix) : actors_.upper_bound(after);
  for (; i != actors_.end() && i->first.starts_with(prefix) && out.size() < max; ++i)
    out.push_back({i->first, i->second});
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
  if (auto* watched = actor_of(i->second)) watched->trace(sink);
}

}  // namespace skerry::base
