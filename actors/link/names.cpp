#include "actors/link/names.hpp"

namespace skerry::link {

bool names_out::begin(size_t letters, const std::function<uint32_t()>& next_epoch) {
  if (next_ + 2 * letters <= limits::link_names_max) return false;
  epoch_ = next_epoch();
  next_ = 1;
  actors_.clear();
  paths_.clear();
  fresh_.clear();
  return true;
}

uint32_t names_out::give(std::string path) {
  fresh_.push_back({next_, std::move(path)});
  return next_++;
}

uint32_t names_out::of(proxy& p) {
  if (p.epoch_ == epoch_) return p.number_;
  p.epoch_ = epoch_;
  return p.number_ = give(std::string{p.path()});
}

uint32_t names_out::of_actor(const caf::strong_actor_ptr& a) {
  if (!a) return 0;
  if (auto i = actors_.find(a->id()); i != actors_.end()) return i->second;
  auto* p = proxy_of(a);
  return actors_[a->id()] = give(p != nullptr ? std::string{p->path()} : path_of_(a));
}

uint32_t names_out::of_path(const std::string& path) {
  auto [i, fresh] = paths_.try_emplace(path, 0);
  if (fresh) i->second = give(path);
  return i->second;
}

}  // namespace skerry::link
