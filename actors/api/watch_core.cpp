#include "actors/api/watch.hpp"

namespace skerry::api {

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

std::optional<ports::http_body> watch_core::present(const store::object& o, int64_t now_ms) {
  if (!request_.selected.matches(o)) return std::nullopt;
  return frame("{\"type\":\"ADDED\",\"object\":", o, now_ms);
}

std::optional<ports::http_body> watch_core::change(const store::event& e, int64_t now_ms) {
  if (store::resource_of(e.now) != request_.info->id) return std::nullopt;
  bool now = e.type != store::event_type::deleted && request_.selected.matches(e.now);
  // An event may come without the state before it; then the last state known decides.
  bool before = e.type != store::event_type::added &&
                (e.before ? request_.selected.matches(e.before) : request_.selected.matches(e.now));
  if (now)
    return frame(before ? "{\"type\":\"MODIFIED\",\"object\":" : "{\"type\":\"ADDED\",\"object\":", e.now, now_ms);
  if (before) return frame("{\"type\":\"DELETED\",\"object\":", e.now, now_ms);
  return std::nullopt;
}

ports::http_body watch_core::frame(std::string_view head, const store::object& o, int64_t now_ms) {
  if (request_.how.what == form::object) {
    ports::http_body body;
    body.reserve(3);
    body.emplace_back(head.data());  // a literal
    body.emplace_back(o, store::json_of(o));
    body.emplace_back("}\n");
    return body;
  }
  auto body = render(*request_.info, o, request_.how, now_ms, !columns_sent_);
  columns_sent_ = true;
  body.insert(body.begin(), ports::http_piece{head.data()});
  body.emplace_back("}\n");
  return body;
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
