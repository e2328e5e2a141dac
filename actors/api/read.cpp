#include "actors/api/read.hpp"

#include <charconv>

#include "actors/api/base64.hpp"
#include "schema/limits.hpp"

namespace skerry::api {
namespace {

/// Where a list goes on: its revision, and the key after which it does ("name", or "ns/name" over all namespaces).
struct position {
  uint64_t revision = 0;
  std::string after;
};

std::string make_token(const position& p) {
  return encode_base64url("1:" + std::to_string(p.revision) + ":" + p.after);
}

std::optional<position> read_token(std::string_view token) {
  auto text = decode_base64(token);
  if (!text || !text->starts_with("1:")) return std::nullopt;
  auto colon = text->find(':', 2);
  if (colon == std::string::npos) return std::nullopt;
  auto revision = parse_revision(std::string_view{*text}.substr(2, colon - 2));
  if (!revision) return std::nullopt;
  return position{*revision, text->substr(colon + 1)};
}

constexpr std::string_view token_expired =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the "
    "continue parameter.";

}  // namespace

void paged_views::keep(store::view_ptr v) {
  std::lock_guard lock{mutex_};
  for (const auto& k : kept_)
    if (k->revision() == v->revision()) return;
  kept_.push_back(std::move(v));
  if (kept_.size() > kept_max) kept_.pop_front();
}

store::view_ptr paged_views::find(uint64_t revision) const {
  std::lock_guard lock{mutex_};
  for (const auto& k : kept_)
    if (k->revision() == revision) return k;
  return nullptr;
}

std::optional<uint64_t> parse_revision(std::string_view text) {
  uint64_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::variant<reply, failure> get_object(const store::view& view, const target& t, const representation& r,
                                        int64_t now_ms) {
  auto o = view.get(t.info->id, t.ns, t.name);
  if (!o) return not_found(*t.info, t.name);
  reply out;
  out.body = render(*t.info, o, r, now_ms);
  out.body.emplace_back("\n");
  return out;
}

namespace {

/// From which view a list is served, and after which key.
struct start {
  store::view_ptr view;
  std::string after;
};

std::variant<start, failure> read_start(const store::view_ptr& newest, const query& q, paged_views& pages) {
  start out{newest, {}};
  auto wanted = q.get("resourceVersion");
  if (!wanted.empty()) {
    auto n = parse_revision(wanted);
    if (!n)
      return bad_request("resourceVersion: Invalid value: \"" + std::string{wanted} + "\": must be a whole number");
    if (*n > newest->revision() && *n > 0) {
      failure f = unavailable("Too large resource version: " + std::to_string(*n) +
                              ", current: " + std::to_string(newest->revision()));
      f.code = 504;
      f.reason = "Timeout";
      f.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", {}});
      return f;
    }
    if (q.get("resourceVersionMatch") == "Exact" && *n != newest->revision() && q.get("continue").empty()) {
      out.view = pages.find(*n);
      if (!out.view) return expired("The resourceVersion for the provided list is too old.");
    }
  }
  if (auto token = q.get("continue"); !token.empty()) {
    auto p = read_token(token);
    if (!p) return bad_request("continue key is not valid: take it as it stands in the list's metadata.continue");
    if (auto kept = pages.find(p->revision))
      out.view = kept;
    else if (p->revision < newest->compacted() || p->revision > newest->revision())
      return expired(std::string{token_expired});
    out.after = std::move(p->after);
    // Objects may be newer than the list's revision then: a watch from it tells of them again, which does no harm.
    if (out.view == newest && p->revision != newest->revision()) pages.keep(newest);
  }
  return out;
}

}  // namespace

std::variant<reply, failure> list_objects(const store::view_ptr& newest, const target& t, const query& q,
                                          const representation& r, paged_views& pages, int64_t now_ms) {
  auto selected = read_selection(t, q);
  if (auto* f = std::get_if<failure>(&selected)) return std::move(*f);
  const auto& s = std::get<selection>(selected);
  uint64_t limit = 0;
  if (q.has("limit") && !q.get("limit").empty()) {
    auto n = parse_revision(q.get("limit"));
    if (!n) return bad_request("limit: Invalid value: \"" + std::string{q.get("limit")} + "\": must be a whole number");
    limit = std::min<uint64_t>(*n, limits::list_page_max);
  }
  if (auto t = q.get("timeoutSeconds"); !t.empty() && !parse_revision(t))
    return bad_request("timeoutSeconds: Invalid value: \"" + std::string{t} + "\": must be a whole number");
  auto begin = read_start(newest, q, pages);
  if (auto* f = std::get_if<failure>(&begin)) return std::move(*f);
  auto& [view, after] = std::get<start>(begin);
  list_writer writer{*t.info, r, now_ms};
  std::string last;
  int64_t remaining = 0;
  auto key_of = [&](const store::object& o) {
    auto name = std::string{store::name_of(o)};
    return t.info->namespaced && s.ns.empty() ? std::string{store::namespace_of(o)} + "/" + name : name;
  };
  view->scan(t.info->id, s.ns, after, [&](const store::object& o) {
    if (s.narrowed() || !s.name.empty()) {
      if (!s.matches(o)) return true;
      if (limit > 0 && writer.size() == limit) return ++remaining < 1;
    } else if (limit > 0 && writer.size() == limit) {
      ++remaining;
      return true;
    }
    writer.add(o);
    if (limit > 0 && writer.size() == limit) last = key_of(o);
    return true;
  });
  reply out;
  std::string token;
  if (remaining > 0) {
    pages.keep(view);
    token = make_token({view->revision(), last});
  }
  out.body = std::move(writer).finish(view->revision(), token, s.narrowed() ? -1 : remaining);
  return out;
}

}  // namespace skerry::api
