#include "actors/base/directory.hpp"

#include <mutex>

namespace skerry::base {

void directory::put(std::string path, caf::actor a) {
  caf::actor old;  // dropped after the lock: its last reference may run a destructor
  std::unique_lock lock{mutex_};
  auto& slot = actors_[std::move(path)];
  old = std::exchange(slot, std::move(a));
  lock.unlock();
}

void directory::erase(std::string_view path, caf::actor_id id) {
  caf::actor old;
  std::unique_lock lock{mutex_};
  auto i = actors_.find(path);
  if (i == actors_.end() || i->second.id() != id) return;
  old = std::move(i->second);
  actors_.erase(i);
  lock.unlock();
}

caf::actor directory::find(std::string_view path) const {
  std::shared_lock lock{mutex_};
  auto i = actors_.find(path);
  return i == actors_.end() ? caf::actor{} : i->second;
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

}  // namespace skerry::base
