#include "actors/api/selection.hpp"

namespace skerry::api {

bool selection::matches(const store::object& o) const {
  if (!ns.empty() && store::namespace_of(o) != ns) return false;
  if (!name.empty() && store::name_of(o) != name) return false;
  if (!labels.matches_all() && !labels.matches_with([&](std::string_view key) { return store::label_of(o, key); }))
    return false;
  return fields.matches_all() || fields.matches_with([&](std::string_view path) {
    return store::field_of(o, path).value_or(std::string_view{});
  });
}

std::variant<selection, failure> read_selection(const target& t, const query& q) {
  selection s;
  s.ns = t.ns;
  s.name = t.name;
  auto labels = kube::label_selector::parse(q.get("labelSelector"));
  if (!labels) return bad_request("unable to parse labelSelector: " + message_of(labels.error()));
  s.labels = std::move(*labels);
  auto fields = kube::field_selector::parse(q.get("fieldSelector"), t.info->field_selectors);
  if (!fields) return bad_request("unable to parse fieldSelector: " + message_of(fields.error()));
  s.fields = std::move(*fields);
  if (s.name.empty()) s.name = s.fields.exact("metadata.name");
  return s;
}

}  // namespace skerry::api
