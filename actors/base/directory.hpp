#pragma once
#include <atomic>
#include <caf/actor.hpp>
#include <functional>
#include <map>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/base/actor.hpp"

namespace skerry::base {

/// Path -> the actor that stands there now, on this island. Supervisors keep it: a child is put at every start and
/// restart and erased when it ends, so who looks up a path gets the present actor and never keeps a handle that a
/// restart has made stale. Built by main; callable from any thread.
class directory {
public:
  /// Puts `a` at `path`, in place of what stood there. An actor that has no path yet gets this one. Returns the block
  /// that holds the path, the actor's own if it says the same.
  identity put(std::string_view path, caf::actor a);
  /// Erases `path` if the actor with this id stands there (a newer one stays).
  void erase(std::string_view path, caf::actor_id id);
  /// Returns the actor at `path`, or a null handle if there is none just now (between a crash and the restart).
  caf::actor find(std::string_view path) const;
  /// Returns a function that looks up `path` each time. The directory must outlive it.
  std::function<caf::actor()> finder(std::string path) const;
  /// Returns all paths that begin with `prefix`, in order.
  std::vector<std::string> list(std::string_view prefix = {}) const;

  /// A path and who stands there. What the actor did so far: `actor_of(who)->meter()`.
  struct entry {
    std::string path;
    caf::actor who;
  };
  /// Returns up to `max` entries whose paths begin with `prefix` and come after `after`, in order: a page, so that an
  /// island of 100,000 actors can be walked without holding it up.
  std::vector<entry> entries(std::string_view prefix, std::string_view after, size_t max) const;
  /// Hands the messages of whoever stands at `path`, now and after restarts, to `sink` before they are handled; null
  /// ends that. An actor of another making than base::actor shows nothing. `sink` outlives all actors.
  void trace(const std::string& path, trace_sink* sink);
  /// Returns the path at which this actor stands, or an empty string.
  std::string path_of(const caf::actor& who) const;
  /// Returns a number that changes with every change: who keeps what `find` said looks again only when it moved.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

private:
  struct slot {
    identity id;
    caf::actor who;
  };
  struct by_path {
    using is_transparent = void;
    static std::string_view text(const slot& x) { return x.id.path(); }
    static std::string_view text(std::string_view x) { return x; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return text(a) < text(b);
    }
  };
  using slots = std::set<slot, by_path>;
  slots::node_type take(slots::iterator i);

  mutable std::shared_mutex mutex_;
  std::atomic<uint64_t> version_{1};
  slots actors_;
  /// Paths of actors that do not know them: of another making, or prepared with another path.
  std::unordered_map<caf::actor_id, identity> strangers_;
  std::map<std::string, trace_sink*, std::less<>> traced_;
};

}  // namespace skerry::base
