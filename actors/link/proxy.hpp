#pragma once
#include <caf/actor_proxy.hpp>
#include <mutex>
#include <string_view>
#include <vector>

namespace skerry::link {

class peer;
class proxy_cache;
using peer_ptr = caf::intrusive_ptr<peer>;

/// A handle for a path of another island: CAF treats it as any other actor. What it is sent goes to its peer (the
/// neighbour over which the island is reached). Monitors and links are kept here and fire when the actor behind the
/// path ends; the proxy itself lives on, for the path gets a new actor. Made by proxy_cache alone: one for each path.
class proxy final : public caf::actor_proxy {
public:
  proxy(caf::actor_config& cfg, peer_ptr over, std::string_view path);
  ~proxy() override;

  std::string_view path() const { return path_.get(); }
  peer& over() const { return *over_; }

  using caf::actor_proxy::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override;
  void attach(caf::attachable_ptr ptr) override;
  size_t detach(const caf::attachable::token& what) override;
  void add_link(caf::abstract_actor* x) override;
  bool add_backlink(caf::abstract_actor* x) override;
  /// The island is gone for good: monitors fire, and those that come later too.
  void kill_proxy(caf::execution_unit* host, caf::error reason) override;
  /// The actor behind the path ended: monitors and links fire, and are forgotten.
  void fire(const caf::error& reason);
  /// Answers a request with this error, without sending anything.
  void refuse(caf::mailbox_element_ptr& what, const caf::error& why) { bounce_with(what, why); }
  /// Is it watched by anyone here?
  bool watched();

  /// Answers a request with this error.
  static void bounce_with(caf::mailbox_element_ptr& what, const caf::error& why);

private:
  friend class proxy_cache;
  friend class names_out;
  peer_ptr over_;
  std::unique_ptr<char[]> path_;
  proxy* next_ = nullptr;  ///< in the cache's bucket
  uint32_t number_ = 0;    ///< its number in the connection of this epoch; under the peer's lock
  uint32_t epoch_ = 0;
};

/// Returns the proxy behind a handle, or null if it is an actor of this process.
proxy* proxy_of(const caf::strong_actor_ptr& a);

/// Path -> proxy, of those that live. Intrusive: an entry costs a bucket, not a second copy of the path. Callable from
/// any thread.
class proxy_cache {
public:
  explicit proxy_cache(caf::actor_system& system);
  /// The proxy for `path`, made if there is none. `over` is what it is made with.
  caf::strong_actor_ptr get(std::string_view path, const peer_ptr& over);
  /// A proxy that is not in the cache.
  caf::strong_actor_ptr make(std::string_view path, const peer_ptr& over);
  /// The proxy for `path` if there is one.
  caf::strong_actor_ptr find(std::string_view path);
  /// Takes out all that go over this peer, and returns them.
  std::vector<caf::strong_actor_ptr> drop(const peer& p);
  size_t size() const;

private:
  friend class proxy;
  proxy** slot_of(std::string_view path);
  void insert(proxy* p);
  void erase(proxy* p);
  void grow();

  caf::actor_system& system_;
  caf::node_id node_;
  mutable std::mutex mutex_;
  std::vector<proxy*> buckets_;
  size_t size_ = 0;
};

}  // namespace skerry::link
