#pragma once
#include <string>
#include <variant>

#include "actors/api/status.hpp"
#include "actors/api/target.hpp"
#include "actors/store/object.hpp"
#include "schema/kube/selector.hpp"

namespace skerry::api {

/// Which objects of a resource a list, watch or deletecollection means.
struct selection {
  std::string ns;    ///< empty: all
  std::string name;  ///< empty: all; also set by fieldSelector metadata.name=x
  kube::label_selector labels;
  kube::field_selector fields;

  bool matches(const store::object& o) const;
  /// True if there is a selector beside namespace and name.
  bool narrowed() const { return !labels.matches_all() || !fields.matches_all(); }
};

/// Reads labelSelector and fieldSelector.
std::variant<selection, failure> read_selection(const target& t, const query& q);

}  // namespace skerry::api
