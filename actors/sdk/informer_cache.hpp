#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actors/sdk/objects.hpp"

namespace skerry::sdk {

/// What a controller does about what it is told; each may be empty. Called in the controller's own actor, each change
/// of an object once, in the order of the changes. What happened between two looks (a cut, a restart) is told as one
/// update, or as a deletion with the last state that was known.
struct informer_handlers {
  std::function<void(const object& now)> added;
  std::function<void(const object& before, const object& now)> updated;  ///< resync: twice the same object
  std::function<void(const object& last)> deleted;
  std::function<void()> synced;  ///< the cache is complete for the first time
};

/// Says under which values an object stands in an index, such as its owner's uid.
using index_function = std::function<std::vector<std::string>(const object&)>;

/// The objects of one feed, by key and by index, and what changed between what was known and what is. Pure.
class informer_cache {
public:
  /// Adds an index; before the first object.
  void add_index(std::string name, index_function f);
  void set_handlers(informer_handlers h) { handlers_ = std::move(h); }

  // -- reading --------------------------------------------------------------------------------------------------------
  /// The object; empty if it is not there.
  object get(std::string_view ns, std::string_view name) const;
  /// All objects (of a namespace), in order of namespace and name.
  std::vector<object> list(std::string_view ns = {}) const;
  /// Those that stand under `value` in an index; in order of namespace and name. No such index: none.
  std::vector<object> by_index(std::string_view index, std::string_view value) const;
  size_t size() const { return objects_.size(); }
  /// All changes up to this revision are in the cache; 0 too where nothing was ever written.
  uint64_t revision() const { return revision_; }
  /// It was complete once.
  bool synced() const { return synced_; }

  // -- what a feed tells ----------------------------------------------------------------------------------------------
  /// A full list begins: what is not told until `end_list` is gone.
  void begin_list();
  /// An object that is there. In a list, any state that is not the known one counts as new.
  void present(const object& o);
  /// The list ends, as of this revision.
  void end_list(uint64_t revision);
  /// A change. One that is not newer than what is known changes nothing.
  void put(const object& o);
  void gone(const object& last);
  /// All changes up to this revision are told.
  void advance(uint64_t revision) { revision_ = std::max(revision_, revision); }
  /// Calls `updated` with each object, as if it had changed: against what no event tells.
  void resync() const;

private:
  using place = std::pair<std::string, std::string>;  ///< namespace, name
  struct index {
    index_function values;
    std::map<std::string, std::set<place>, std::less<>> places;
  };
  void store(const object& o, bool listed);
  void erase(std::map<place, object>::iterator i, const object& last);
  void index_in(const place& p, const object& o);
  void index_out(const place& p, const object& o);

  informer_handlers handlers_;
  std::map<place, object> objects_;
  std::map<std::string, index, std::less<>> indexes_;
  std::set<place> listed_;
  bool listing_ = false, synced_ = false;
  uint64_t revision_ = 0;
};

}  // namespace skerry::sdk
