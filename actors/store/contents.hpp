#pragma once
#include <memory>
#include <string>
#include <vector>

#include "actors/store/persistent_set.hpp"
#include "actors/store/view.hpp"

namespace skerry::store {

/// Where an object stands among those of its resource.
struct place {
  std::string_view ns, name;
};

/// An object with where it stands, which points into its letter: what a search compares without opening letters.
struct placed {
  object what;
  std::string_view ns, name;
  explicit placed(object o) : what(std::move(o)), ns(namespace_of(what)), name(name_of(what)) {}
};

struct by_place {
  static int compare(const placed& a, const place& b) {
    auto order = a.ns.compare(b.ns);
    return order != 0 ? order : a.name.compare(b.name);
  }
  static int compare(const placed& a, const placed& b) { return compare(a, place{b.ns, b.name}); }
};

/// An object in an index by something it says, which points into its letter too.
struct indexed {
  placed at;
  std::string_view key;  ///< the UID of an owner; the name of the node
};
struct by_key {
  static int compare(const indexed& a, std::string_view key) { return a.key.compare(key); }
  static int compare(const indexed& a, const indexed& b);
};

/// All objects with their indexes, as a value: copies share structure, so that one is made for each published view.
/// The bytes of an object are held once, by its letter; keys are read from there.
class contents {
public:
  using objects = persistent_set<placed, by_place>;
  using index = persistent_set<indexed, by_key>;

  object get(std::string_view resource, std::string_view ns, std::string_view name) const;
  /// Adds or replaces; returns what was there before, or an empty one.
  object put(const object& o);
  /// Removes; returns what was there, or an empty one.
  object erase(std::string_view resource, std::string_view ns, std::string_view name);

  /// The objects of a resource, or nullptr if there are none.
  const objects* of(std::string_view resource) const;
  std::vector<object> owned_by(std::string_view owner_uid) const { return under(owners_, owner_uid); }
  std::vector<object> pods_on(std::string_view node) const { return under(nodes_, node, "pods"); }
  std::vector<object> devices_on(std::string_view node) const { return under(nodes_, node, devices_resource); }
  std::vector<std::string> resources() const;
  size_t size() const;

private:
  struct shelf {
    std::shared_ptr<const std::string> resource;
    objects all;
  };
  std::vector<shelf>::iterator lower_bound(std::string_view resource);
  void enter(const placed& o);
  void leave(const placed& o);
  /// Those under `key`; of one resource alone unless it is empty.
  static std::vector<object> under(const index& i, std::string_view key, std::string_view resource = {});

  std::vector<shelf> shelves_;  // by resource, none empty
  index owners_;
  index nodes_;
};

/// A view over contents.
class contents_view : public view {
public:
  contents_view() = default;
  contents_view(contents c, uint64_t revision, uint64_t compacted)
      : contents_(std::move(c)), revision_(revision), compacted_(compacted) {}

  uint64_t revision() const override { return revision_; }
  uint64_t compacted() const override { return compacted_; }
  object get(std::string_view resource, std::string_view ns, std::string_view name) const override {
    return contents_.get(resource, ns, name);
  }
  void scan(std::string_view resource, std::string_view ns, std::string_view after,
            const std::function<bool(const object&)>& visit) const override;
  size_t count(std::string_view resource) const override;
  std::vector<object> owned_by(std::string_view owner_uid) const override { return contents_.owned_by(owner_uid); }
  std::vector<object> pods_on(std::string_view node) const override { return contents_.pods_on(node); }
  std::vector<object> devices_on(std::string_view node) const override { return contents_.devices_on(node); }
  std::vector<std::string> resources() const override { return contents_.resources(); }

private:
  contents contents_;
  uint64_t revision_ = 0;
  uint64_t compacted_ = 0;
};

}  // namespace skerry::store
