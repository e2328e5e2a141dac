#include "actors/link/proxy.hpp"

#include <caf/actor_system.hpp>
#include <caf/make_actor.hpp>
#include <caf/uri.hpp>
#include <cstring>
#include <functional>

#include "actors/link/mesh_core.hpp"

namespace skerry::link {
namespace {

size_t hash_of(std::string_view path) { return std::hash<std::string_view>{}(path); }

}  // namespace

proxy::proxy(caf::actor_config& cfg, peer_ptr over, std::string_view path)
    : caf::actor_proxy(cfg), over_(std::move(over)), path_(new char[path.size() + 1]) {
  std::memcpy(path_.get(), path.data(), path.size());
  path_[path.size()] = 0;
}

proxy::~proxy() { over_->core().cache().erase(this); }

void proxy::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) { over_->send(*this, std::move(what)); }

bool proxy::watched() {
  return exclusive_critical_section([&] { return attachables_head_ != nullptr; });
}

void proxy::attach(caf::attachable_ptr ptr) {
  auto first = !watched();
  caf::actor_proxy::attach(std::move(ptr));
  if (first) over_->watch(*this);
}

size_t proxy::detach(const caf::attachable::token& what) {
  auto n = caf::actor_proxy::detach(what);
  if (n > 0 && !watched()) over_->unwatch(*this);
  return n;
}

void proxy::add_link(caf::abstract_actor* x) {
  caf::actor_proxy::add_link(x);
  over_->watch(*this);
}

// Called with the locks of both actors: the peer is told without taking them again.
bool proxy::add_backlink(caf::abstract_actor* x) {
  auto added = caf::actor_proxy::add_backlink(x);
  if (added) over_->watch(*this);
  return added;
}

void proxy::fire(const caf::error& reason) {
  caf::attachable_ptr head;
  exclusive_critical_section([&] { head.swap(attachables_head_); });
  for (auto* i = head.get(); i != nullptr; i = i->next.get()) i->actor_exited(reason, nullptr);
}

void proxy::kill_proxy(caf::execution_unit* host, caf::error reason) { cleanup(std::move(reason), host); }

void proxy::bounce_with(caf::mailbox_element_ptr& what, const caf::error& why) {
  if (what->sender && what->mid.is_request())
    what->sender->enqueue(nullptr, what->mid.response_id(), caf::make_message(why), nullptr);
}

proxy* proxy_of(const caf::strong_actor_ptr& a) {
  // Actors of this process have no node: there is no middleman.
  if (!a || a->node() == caf::none) return nullptr;
  return dynamic_cast<proxy*>(a->get());
}

// -- cache
// --------------------------------------------------------------------------------------------------------------

proxy_cache::proxy_cache(caf::actor_system& system) : system_(system), buckets_(64) {
  if (auto u = caf::make_uri("skerry:mesh")) node_ = caf::make_node_id(*u);
}

proxy** proxy_cache::slot_of(std::string_view path) {
  auto** i = &buckets_[hash_of(path) & (buckets_.size() - 1)];
  while (*i != nullptr && (*i)->path() != path) i = &(*i)->next_;
  return i;
}

caf::strong_actor_ptr proxy_cache::find(std::string_view path) {
  std::lock_guard lock{mutex_};
  auto* p = *slot_of(path);
  if (p == nullptr || !caf::intrusive_ptr_upgrade_weak(p->ctrl())) return nullptr;
  return {p->ctrl(), false};
}

caf::strong_actor_ptr proxy_cache::make(std::string_view path, const peer_ptr& over) {
  caf::actor_config cfg;
  return caf::make_actor<proxy, caf::strong_actor_ptr>(system_.next_actor_id(), node_, &system_, cfg, over, path);
}

caf::strong_actor_ptr proxy_cache::get(std::string_view path, const peer_ptr& over) {
  if (auto p = find(path)) return p;
  auto made = make(path, over);
  std::unique_lock lock{mutex_};
  auto** slot = slot_of(path);
  if (*slot != nullptr) {
    if (caf::intrusive_ptr_upgrade_weak((*slot)->ctrl())) {
      caf::strong_actor_ptr other{(*slot)->ctrl(), false};
      lock.unlock();
      return other;  // `made` is thrown away, which takes the lock
    }
    *slot = (*slot)->next_;  // it is being destroyed; its `erase` will not find it, which is fine
    --size_;
  }
  insert(static_cast<proxy*>(made->get()));
  return made;
}

std::vector<caf::strong_actor_ptr> proxy_cache::drop(const peer& p) {
  std::vector<caf::strong_actor_ptr> out;
  std::lock_guard lock{mutex_};
  for (auto*& bucket : buckets_)
    for (auto** i = &bucket; *i != nullptr;) {
      auto* at = *i;
      if (at->over_.get() != &p) {
        i = &at->next_;
        continue;
      }
      *i = at->next_;
      --size_;
      if (caf::intrusive_ptr_upgrade_weak(at->ctrl())) out.emplace_back(at->ctrl(), false);
    }
  return out;
}

size_t proxy_cache::size() const {
  std::lock_guard lock{mutex_};
  return size_;
}

void proxy_cache::insert(proxy* p) {
  if (size_ >= 2 * buckets_.size()) grow();
  auto*& bucket = buckets_[hash_of(p->path()) & (buckets_.size() - 1)];
  p->next_ = bucket;
  bucket = p;
  ++size_;
}

void proxy_cache::erase(proxy* p) {
  std::lock_guard lock{mutex_};
  auto** i = &buckets_[hash_of(p->path()) & (buckets_.size() - 1)];
  while (*i != nullptr && *i != p) i = &(*i)->next_;
  if (*i == nullptr) return;
  *i = p->next_;
  --size_;
}

void proxy_cache::grow() {
  auto old = std::exchange(buckets_, std::vector<proxy*>(buckets_.size() * 2));
  for (auto* i : old)
    while (i != nullptr) {
      auto* p = std::exchange(i, i->next_);
      auto*& bucket = buckets_[hash_of(p->path()) & (buckets_.size() - 1)];
      p->next_ = bucket;
      bucket = p;
    }
}

}  // namespace skerry::link
