#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "actors/store/object.hpp"

namespace skerry::store {

/// Everything as of one revision. Immutable: readers on any thread share it without locks, for as long as they like.
class view {
public:
  virtual ~view() = default;
  virtual uint64_t revision() const = 0;
  /// Oldest revision from which a watch can start.
  virtual uint64_t compacted() const = 0;
  virtual object get(std::string_view resource, std::string_view ns,
                     std::string_view name) const = 0;  ///< empty if absent
  /// Visits objects of a resource in order of (namespace, name), from the first one after (`ns`, `after`), until
  /// `visit` returns false. An empty `ns` visits all namespaces; `after` may then be "ns/name".
  virtual void scan(std::string_view resource, std::string_view ns, std::string_view after,
                    const std::function<bool(const object&)>& visit) const = 0;
  virtual size_t count(std::string_view resource) const = 0;
  virtual std::vector<object> owned_by(std::string_view owner_uid) const = 0;
  virtual std::vector<object> pods_on(std::string_view node) const = 0;
  /// The Devices (devices.kubeedge.io) whose spec.nodeName is this node.
  virtual std::vector<object> devices_on(std::string_view node) const = 0;
  /// Names of the resources that have objects.
  virtual std::vector<std::string> resources() const = 0;
};
using view_ptr = std::shared_ptr<const view>;

/// Where the store publishes its newest view. Lock-free enough to be asked for each request.
class reader {
public:
  virtual ~reader() = default;
  virtual view_ptr current() const = 0;
};

}  // namespace skerry::store
