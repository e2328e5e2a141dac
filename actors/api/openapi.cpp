#include "actors/api/openapi.hpp"

#include <boost/json/serialize.hpp>
#include <set>
#include <vector>

#include "schema/json.hpp"

namespace skerry::api {
namespace {
using kube::field_info;
using kube::resource_info;
using kube::type_info;

json::string_view js(std::string_view s) { return {s.data(), s.size()}; }

std::string path_of(const resource_info& r) {
  return r.group.empty() ? "api/" + std::string{r.version} : "apis/" + r.api_version;
}

json::object kind_of(const resource_info& r) {
  return {{"group", js(r.group)}, {"kind", js(r.kind)}, {"version", js(r.version)}};
}

json::object reference(const type_info& t) { return {{"$ref", "#/components/schemas/" + std::string{t.name}}}; }

json::object scalar(const field_info& f) {
  using kube::wire;
  switch (f.what) {
    case wire::string:
      return {{"type", "string"}};
    case wire::bytes:
      return {{"type", "string"}, {"format", "byte"}};
    case wire::boolean:
      return {{"type", "boolean"}};
    case wire::int32:
      return {{"type", "integer"}, {"format", "int32"}};
    case wire::int64:
      return {{"type", "integer"}, {"format", "int64"}};
    case wire::real:
      return {{"type", "number"}, {"format", "double"}};
    case wire::quantity:
      return {{"oneOf", json::array{json::object{{"type", "string"}}, json::object{{"type", "number"}}}}};
    case wire::time:
    case wire::microtime:
      return {{"type", "string"}, {"format", "date-time"}};
    case wire::int_or_string:
      return {{"format", "int-or-string"},
              {"oneOf", json::array{json::object{{"type", "integer"}}, json::object{{"type", "string"}}}}};
    case wire::any_object:
      return {{"type", "object"}};
    case wire::object:
      if (f.type != nullptr) return reference(*f.type);
      [[fallthrough]];
    default:
      return {};
  }
}

json::object field_schema(const field_info& f) {
  using kube::shape;
  json::object o;
  switch (f.form) {
    case shape::one:
      o = scalar(f);
      break;
    case shape::list:
      o = {{"type", "array"}, {"items", scalar(f)}};
      break;
    case shape::map:
      o = {{"type", "object"}, {"additionalProperties", scalar(f)}};
      break;
    case shape::map_of_lists:
      o = {{"type", "object"}, {"additionalProperties", json::object{{"type", "array"}, {"items", scalar(f)}}}};
      break;
  }
  if (f.form == shape::list) {
    constexpr const char* kinds[] = {nullptr, "atomic", "set", "map"};
    if (const char* kind = kinds[static_cast<int>(f.merge)]) o["x-kubernetes-list-type"] = kind;
  }
  if (!f.merge_key.empty()) o["x-kubernetes-patch-merge-key"] = js(f.merge_key);
  if (f.patch_merge) o["x-kubernetes-patch-strategy"] = f.patch_retain_keys ? "merge,retainKeys" : "merge";
  return o;
}

void add_schema(json::object& schemas, const type_info& t) {
  if (schemas.contains(js(t.name))) return;
  schemas[js(t.name)] = nullptr;  // before its fields: types may hold themselves
  json::object properties;
  json::array required;
  for (const auto& f : t.fields) {
    properties[js(f.name)] = field_schema(f);
    if (f.required) required.emplace_back(js(f.name));
    if (f.type != nullptr) add_schema(schemas, *f.type);
  }
  json::object o{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) o["required"] = std::move(required);
  schemas[js(t.name)] = std::move(o);
}

json::array query_parameters(std::initializer_list<const char*> list) {
  json::array out;
  for (const char* name : list)
    out.push_back(json::object{
        {"name", name}, {"in", "query"}, {"schema", json::object{{"type", "string"}, {"uniqueItems", true}}}});
  return out;
}

json::object operation(const resource_info& r, const char* action, json::array parameters) {
  json::object o;
  o["parameters"] = std::move(parameters);
  json::object answer{{"description", "OK"}};
  if (r.type != nullptr)
    answer["content"] = json::object{{"application/json", json::object{{"schema", reference(*r.type)}}}};
  o["responses"] = json::object{{"200", std::move(answer)}};
  o["x-kubernetes-action"] = action;
  o["x-kubernetes-group-version-kind"] = kind_of(r);
  return o;
}

void add_paths(json::object& paths, const resource_info& r) {
  auto base = "/" + path_of(r) + (r.namespaced ? "/namespaces/{namespace}/" : "/") + std::string{r.plural};
  paths[base] = json::object{
      {"get", operation(r, "list",
                        query_parameters({"labelSelector", "fieldSelector", "limit", "continue", "resourceVersion",
                                          "resourceVersionMatch", "watch", "allowWatchBookmarks", "timeoutSeconds"}))},
      {"post", operation(r, "post", query_parameters({"dryRun", "fieldValidation"}))}};
  paths[base + "/{name}"] = json::object{
      {"get", operation(r, "get", {})},
      {"put", operation(r, "put", query_parameters({"dryRun", "fieldValidation"}))},
      {"patch", operation(r, "patch", query_parameters({"dryRun", "fieldValidation"}))},
      {"delete", operation(r, "delete", query_parameters({"dryRun", "gracePeriodSeconds", "propagationPolicy"}))}};
}

// -- protobuf (https://protobuf.dev/programming-guides/encoding), as much as openapi.v2.Document needs
// ---------------------

void put_varint(std::string& out, size_t n) {
  for (; n > 127; n >>= 7) out += static_cast<char>((n & 127) | 128);
  out += static_cast<char>(n);
}
std::string field_of(unsigned number, std::string_view bytes) {
  std::string out;
  put_varint(out, number << 3 | 2);
  put_varint(out, bytes.size());
  return out += bytes;
}

/// gnostic's openapiv2/OpenAPIv2.proto: Operation.parameters 8, .responses 9, .vendor_extension 13; a query parameter
/// is ParametersItem.parameter 1 / Parameter.non_body_parameter 2 / NonBodyParameter.query_parameter_sub_schema 3.
std::string patch_operation(const resource_info& r) {
  std::string parameters;
  for (std::string_view name : {"dryRun", "fieldValidation"})
    parameters +=
        field_of(8, field_of(1, field_of(2, field_of(3, field_of(2, "query") + field_of(4, name) + field_of(5, "")))));
  auto yaml = "group: \"" + std::string{r.group} + "\"\nkind: " + std::string{r.kind} +
              "\nversion: " + std::string{r.version} + "\n";
  auto extension = field_of(13, field_of(1, "x-kubernetes-group-version-kind") + field_of(2, field_of(2, yaml)));
  return parameters + field_of(9, "") + extension;
}

}  // namespace

open_api::open_api(const kube::registry& registry, std::string version)
    : registry_(registry), version_(std::move(version)) {
  json::object paths;
  std::string v2_paths;
  json::object v2;
  for (const auto& r : registry.resources()) {
    auto path = path_of(r);
    if (!paths.contains(path))
      paths[path] = json::object{{"serverRelativeURL", "/openapi/v3/" + path + "?v=" + version_}};
    auto at = "/" + path + (r.namespaced ? "/namespaces/{namespace}/" : "/") + std::string{r.plural} + "/{name}";
    v2_paths += field_of(2, field_of(1, at) + field_of(2, field_of(8, patch_operation(r))));
    json::array parameters;
    for (const char* name : {"dryRun", "fieldValidation"})
      parameters.push_back(json::object{{"name", name}, {"in", "query"}, {"type", "string"}});
    v2[at] =
        json::object{{"patch", json::object{{"parameters", std::move(parameters)},
                                            {"responses", json::object{{"200", json::object{{"description", "OK"}}}}},
                                            {"x-kubernetes-group-version-kind", kind_of(r)}}}};
  }
  index_ = std::make_shared<const std::string>(json::serialize(json::object{{"paths", std::move(paths)}}) + "\n");
  v2_json_ = std::make_shared<const std::string>(
      json::serialize(json::object{{"swagger", "2.0"},
                                   {"info", json::object{{"title", "Skerry"}, {"version", version_}}},
                                   {"paths", std::move(v2)}}) +
      "\n");
  v2_protobuf_ = std::make_shared<const std::string>(
      field_of(1, "2.0") + field_of(2, field_of(1, "Skerry") + field_of(2, version_)) + field_of(8, v2_paths));
}

open_api::text open_api::document(const std::string& path) const {
  std::lock_guard lock{mutex_};
  auto i = made_.find(path);
  if (i != made_.end()) return i->second;
  auto made = make(path);
  if (made) made_[path] = made;
  return made;
}

open_api::text open_api::make(const std::string& path) const {
  json::object paths, schemas;
  for (const auto& r : registry_.resources()) {
    if (path_of(r) != path) continue;
    add_paths(paths, r);
    if (r.type == nullptr) continue;
    add_schema(schemas, *r.type);
    schemas[js(r.type->name)].as_object()["x-kubernetes-group-version-kind"] = json::array{kind_of(r)};
  }
  if (paths.empty()) return nullptr;
  json::object o{{"openapi", "3.0.0"},
                 {"info", json::object{{"title", "Skerry"}, {"version", version_}}},
                 {"paths", std::move(paths)},
                 {"components", json::object{{"schemas", std::move(schemas)}}}};
  return std::make_shared<const std::string>(json::serialize(o) + "\n");
}

}  // namespace skerry::api
