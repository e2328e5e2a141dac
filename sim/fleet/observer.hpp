#pragma once
#include <functional>

#include "actors/store/messages.hpp"
#include "sim/world/world.hpp"

namespace skerry::sim {

/// What a fleet looks like from the cloud, counted from every change that the store commits, as one more watcher of it
/// sees them: in order, and on from where it was when the cloud has been away.
class observer {
public:
  /// `each` is called for every change.
  observer(world& w, std::function<void(const store::event&)> each);
  ~observer();

  /// Finds the store, if it is another one than the last time. Call now and then.
  void look();

  uint64_t revision = 0;  ///< of the last change that it saw
  uint64_t events = 0;    ///< that it saw
  uint64_t relists = 0;   ///< how often the changes since its last one were gone, so that it read everything anew
  size_t nodes = 0, nodes_ready = 0, pods = 0, pods_running = 0;
  bool drops_one = false;  ///< planted: it does not see its thousandth change
  /// A digest of all objects and their revisions, as it knows them; whatever their order.
  uint64_t digest = 0;
  /// The same of a view.
  static uint64_t digest_of(const store::view& v);

private:
  void take(const store::event& e);
  void read_anew();
  void count(const store::object& o, int by);
  world& w_;
  std::function<void(const store::event&)> each_;
  caf::actor self_;
  caf::actor_id store_ = 0;
};

/// Does this Node object say that it is ready?
bool is_ready(const store::object& node);

}  // namespace skerry::sim
