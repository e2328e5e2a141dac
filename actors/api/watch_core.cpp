#include "actors/api/watch.hpp"

namespace skerry::api {
namespace {

const char* head_of(watch_change what) {
  switch (what) {
    case watch_change::modified:
      return "{\"type\":\"MODIFIED\",\"object\":";
    case watch_change::deleted:
      return "{\"type\":\"DELETED\",\"object\":";
    default:
      return "{\"type\":\"ADDED\",\"object\":";
  }
}

}  // namespace

std::variant<watch_request, failure> read_watch(const target& t, const query& q, const representation& r) {
  auto selected = read_selection(t, q);
  if (auto* f = std::get_if<failure>(&selected)) return std::move(*f);
  watch_request w;
  w.info = t.info;
  w.selected = std::move(std::get<selection>(selected));
  w.how = r;
  w.bookmarks = q.flag("allowWatchBookmarks");
  auto number = [&](std::string_view key) -> std::variant<std::optional<uint64_t>, failure> {
    auto text = q.get(key);
    if (text.empty()) return std::nullopt;
    auto n = parse_revision(text);
    if (!n)
      return bad_request(std::string{key} + ": Invalid value: \"" + std::string{text} + "\": must be a whole number");
    return n;
  };
  auto revision = number("resourceVersion");
  if (auto* f = std::get_if<failure>(&revision)) return std::move(*f);
  auto timeout = number("timeoutSeconds");
  if (auto* f = std::get_if<failure>(&timeout)) return std::move(*f);
  w.timeout_s = static_cast<int64_t>(std::min<uint64_t>(std::get<0>(timeout).value_or(0), 24 * 3600));
  auto initial = q.flag("sendInitialEvents");
  if (initial && q.get("resourceVersionMatch") != "NotOlderThan") {
    failure f = bad_request(
        "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    return f;
  }
  auto n = std::get<0>(revision);
  if (!initial && n && *n > 0) w.after = *n;
  w.initial_mark = initial && w.bookmarks;
  return w;
}

watch_change watch_core::effect_of(const store::event& e) const {
  const auto& selected = request_.selected;
  if (store::resource_of(e.now) != request_.info->id) return watch_change::none;
  bool now = e.type != store::event_type::deleted && selected.matches(e.now);
  // An event may come without the state before it; then the last state known decides.
  bool before = e.type != store::event_type::added && selected.matches(e.before ? e.before : e.now);
  if (now) return before ? watch_change::modified : watch_change::added;
  return before ? watch_change::deleted : watch_change::none;
}

ports::http_body watch_core::frame(watch_change what, const store::object& o, int64_t now_ms) {
  ports::http_body body;
  if (request_.how.what == form::object) {
    body.reserve(3);
    body.emplace_back(head_of(what));
    body.emplace_back(o, store::json_of(o));
    body.emplace_back("}\n");
    return body;
  }
  body = render(*request_.info, o, request_.how, now_ms, !columns_sent_);
  columns_sent_ = true;
  body.insert(body.begin(), ports::http_piece{head_of(what)});
  body.emplace_back("}\n");
  return body;
}

std::shared_ptr<const std::string> object_frame(watch_change what, const store::object& o) {
  std::string_view head = head_of(what), json = store::json_of(o);
  std::string text;
  text.reserve(head.size() + json.size() + 2);
  text.append(head).append(json).append("}\n");
  return std::make_shared<const std::string>(std::move(text));
}

ports::http_body watch_core::bookmark(uint64_t revision, bool initial_end) const {
  std::string kind{request_.info->kind}, version = request_.info->api_version, rest;
  if (request_.how.what == form::metadata) kind = "PartialObjectMetadata", version = "meta.k8s.io/v1";
  if (request_.how.what == form::table) {
    kind = "Table", version = "meta.k8s.io/v1";
    rest = ",\"columnDefinitions\":[],\"rows\":[]";
  }
  auto text = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"" + kind + "\",\"apiVersion\":\"" + version +
              "\",\"metadata\":{\"resourceVersion\":\"" + std::to_string(revision) + "\"";
  if (request_.how.what == form::object) text += ",\"creationTimestamp\":null";
  if (initial_end) text += ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}";
  ports::http_body body;
  body.emplace_back(text + "}" + rest + "}}\n");
  return body;
}

ports::http_body watch_core::error(const failure& f) const {
  auto status = to_json(f);
  status.pop_back();
  ports::http_body body;
  body.emplace_back("{\"type\":\"ERROR\",\"object\":" + status + "}\n");
  return body;
}

}  // namespace skerry::api
