#pragma once
#include <string>
#include <variant>

#include "actors/api/status.hpp"
#include "actors/api/target.hpp"
#include "actors/store/view.hpp"
#include "schema/kube/selector.hpp"

namespace skerry::api {

/// Which objects of a resource a list, watch or deletecollection means.
struct selection {
  std::string ns;    ///< empty: all
  std::string name;  ///< empty: all; also set by fieldSelector metadata.name=x
  kube::label_selector labels;
  kube::field_selector fields;

  bool matches(const store::object& o) const;
  /// Visits the selected objects of `resource` until `visit` returns false; one that is named is looked up, not
  /// searched.
  template <class F>
  void scan(const store::view& view, const kube::resource_info& info, std::string_view after, F&& visit) const {
    if (!name.empty() && after.empty() && (!ns.empty() || !info.namespaced)) {
      if (auto o = view.get(info.id, ns, name); o && matches(o)) visit(o);
      return;
    }
    view.scan(info.id, ns, after, [&](const store::object& o) { return !matches(o) || visit(o); });
  }
  /// True if there is a selector beside namespace and name.
  bool narrowed() const { return !labels.matches_all() || !fields.matches_all(); }
};

/// Reads labelSelector and fieldSelector.
std::variant<selection, failure> read_selection(const target& t, const query& q);

}  // namespace skerry::api
