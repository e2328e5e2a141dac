#include "actors/api/representation.hpp"

#include <boost/json/serialize.hpp>

#include "schema/kube/table.hpp"

namespace skerry::api {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

/// Visits the media ranges of an Accept header: `visit(type, parameter(name))`, until it returns true.
template <class F>
bool any_range(std::string_view accept, F&& visit) {
  while (!accept.empty()) {
    auto comma = accept.find(',');
    auto range = trim(accept.substr(0, comma));
    accept = comma == std::string_view::npos ? std::string_view{} : accept.substr(comma + 1);
    auto semicolon = range.find(';');
    auto type = trim(range.substr(0, semicolon));
    auto parameters = semicolon == std::string_view::npos ? std::string_view{} : range.substr(semicolon + 1);
    auto parameter = [&](std::string_view name) {
      for (auto rest = parameters; !rest.empty();) {
        auto end = rest.find(';');
        auto one = trim(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
          return trim(one.substr(name.size() + 1));
      }
      return std::string_view{};
    };
    if (!type.empty() && visit(type, parameter)) return true;
  }
  return false;
}

bool is_json(std::string_view type) { return type == "application/json" || type == "*/*" || type == "application/*"; }

std::string metadata_object(const json::value& value) {
  json::object o{{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/v1"}};
  const auto* m = find(value, "metadata");
  o["metadata"] = m != nullptr ? *m : json::value(json::object{});
  return json::serialize(o);
}

/// {"cells":[...],"object":...}
void add_row(ports::http_body& body, const kube::resource_info& info, const store::object& o,
             representation::include rows, int64_t now_ms) {
  auto value = store::parse(o);
  auto text = "{\"cells\":" + json::serialize(kube::table_cells(info, value, now_ms)) + ",\"object\":";
  switch (rows) {
    case representation::include::none:
      body.emplace_back(text + "null}");
      break;
    case representation::include::metadata:
      body.emplace_back(text + metadata_object(value) + "}");
      break;
    case representation::include::object:
      body.emplace_back(std::move(text));
      body.emplace_back(o, store::json_of(o));
      body.emplace_back("}");
      break;
  }
}

std::string list_metadata(uint64_t revision, std::string_view token, int64_t remaining) {
  auto text = "{\"resourceVersion\":\"" + std::to_string(revision) + "\"";
  if (!token.empty()) text += ",\"continue\":\"" + std::string{token} + "\"";
  if (remaining >= 0 && !token.empty()) text += ",\"remainingItemCount\":" + std::to_string(remaining);
  return text + "}";
}

std::string table_head(const kube::resource_info& info, std::string_view metadata, bool columns) {
  auto text = R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":)" + std::string{metadata} +
              ",\"columnDefinitions\":";
  return text + (columns ? json::serialize(kube::table_columns(info)) : "[]") + ",\"rows\":[";
}

}  // namespace

std::optional<representation> negotiate(std::string_view accept, std::string_view include_object) {
  representation r;
  if (include_object == "None") r.rows = representation::include::none;
  if (include_object == "Object") r.rows = representation::include::object;
  if (trim(accept).empty()) return r;
  auto found = any_range(accept, [&](std::string_view type, auto parameter) {
    if (!is_json(type)) return false;
    auto as = parameter("as");
    auto group = parameter("g");
    auto version = parameter("v");
    if (as.empty()) return true;
    if (group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) return false;
    if (as == "Table") r.what = form::table;
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") r.what = form::metadata;
    return r.what != form::object;
  });
  return found ? std::optional{r} : std::nullopt;
}

bool wants_aggregated_discovery(std::string_view accept, std::string& version) {
  bool wanted = false;
  any_range(accept, [&](std::string_view type, auto parameter) {
    if (!is_json(type)) return false;
    wanted = parameter("as") == "APIGroupDiscoveryList" && parameter("g") == "apidiscovery.k8s.io" &&
             (parameter("v") == "v2" || parameter("v") == "v2beta1");
    version = parameter("v");
    return wanted || parameter("as").empty();
  });
  return wanted;
}

ports::http_body render(const kube::resource_info& info, const store::object& o, const representation& r,
                        int64_t now_ms, bool columns) {
  ports::http_body body;
  switch (r.what) {
    case form::object:
      body.emplace_back(o, store::json_of(o));
      break;
    case form::metadata:
      body.emplace_back(metadata_object(store::parse(o)));
      break;
    case form::table:
      body.emplace_back(table_head(info, list_metadata(store::revision_of(o), {}, -1), columns));
      add_row(body, info, o, r.rows, now_ms);
      body.emplace_back("]}");
      break;
  }
  return body;
}

list_writer::list_writer(const kube::resource_info& info, const representation& r, int64_t now_ms)
    : info_(info), how_(r), now_ms_(now_ms) {
  body_.emplace_back("");
}

void list_writer::add(const store::object& o) {
  if (count_++ > 0) body_.emplace_back(",");
  switch (how_.what) {
    case form::object:
      body_.emplace_back(o, store::json_of(o));
      break;
    case form::metadata:
      body_.emplace_back(metadata_object(store::parse(o)));
      break;
    case form::table:
      add_row(body_, info_, o, how_.rows, now_ms_);
      break;
  }
}

ports::http_body list_writer::finish(uint64_t revision, std::string_view token, int64_t remaining) && {
  auto metadata = list_metadata(revision, token, remaining);
  std::string head;
  switch (how_.what) {
    case form::table:
      head = table_head(info_, metadata, true);
      break;
    case form::metadata:
      head = R"({"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":)" + metadata +
             ",\"items\":[";
      break;
    case form::object:
      head = "{\"kind\":\"" + info_.list_kind + "\",\"apiVersion\":\"" + info_.api_version +
             "\",\"metadata\":" + metadata + ",\"items\":[";
      break;
  }
  body_.front() = ports::http_piece{std::move(head)};
  body_.emplace_back("]}\n");
  return std::move(body_);
}

}  // namespace skerry::api
