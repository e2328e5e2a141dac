#include "schema/kube/table.hpp"

#include "schema/kube/columns.hpp"
#include "schema/kube/fmt.hpp"
#include "schema/kube/value.hpp"

namespace skerry::kube {
namespace {

/// The value that a column's path leads to, as text or number.
json::value plain_cell(const column_info& c, const json::value& object) {
  const auto* v = find(object, c.source.substr(1));
  bool absent = v == nullptr || v->is_null() || (v->is_string() && v->get_string().empty());
  if (!absent && (v->is_string() || v->is_number())) return *v;
  if (!absent && v->is_bool()) return v->get_bool() ? "true" : "false";
  if (c.absent == "0") return 0;
  return json::value(c.absent);
}

json::value cell(const column_info& c, const json::value& object, int64_t now_ms) {
  if (c.source[0] == '.') return plain_cell(c, object);
  auto arguments = c.source.substr(1);
  auto space = arguments.find(' ');
  auto name = arguments.substr(0, space);
  arguments = space == std::string_view::npos ? std::string_view{} : arguments.substr(space + 1);
  auto f = find_column(name);
  return f != nullptr ? f(object, arguments, now_ms) : json::value("<unknown>");
}

/// The JSON type of a column's cells: kubectl aligns nothing by it, others may.
std::string_view type_of(const column_info& c) {
  return c.absent == "0" || c.source.substr(0, 6) == "@count" ? "integer" : "string";
}

}  // namespace

json::array table_columns(const resource_info& info) {
  json::array out;
  for (const auto& c : info.columns)
    out.push_back(json::object{{"name", c.name},
                               {"type", type_of(c)},
                               {"format", c.name == "Name" ? "name" : ""},
                               {"description", c.source.substr(1)},
                               {"priority", c.wide ? 1 : 0}});
  return out;
}

json::array table_cells(const resource_info& info, const json::value& object, int64_t now_ms) {
  json::array out;
  out.reserve(info.columns.size());
  for (const auto& c : info.columns) out.push_back(cell(c, object, now_ms));
  return out;
}

}  // namespace skerry::kube
