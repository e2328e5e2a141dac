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

/// What a list shows: which view, from where, how much.
struct range {
  store::view_ptr view;
  uint64_t revision = 0;  ///< that the list tells of
  std::string after;
  uint64_t limit = 0;
};

failure not_a_number(std::string_view what, std::string_view given) {
  return bad_request(std::string{what} + ": Invalid value: \"" + std::string{given} + "\": must be a whole number");
}

failure too_large_revision(uint64_t wanted, uint64_t newest) {
  auto f =
      unavailable("Too large resource version: " + std::to_string(wanted) + ", current: " + std::to_string(newest));
  f.code = 504;
  f.reason = "Timeout";
  f.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", {}});
  return f;
}

std::variant<range, failure> read_range(const store::view_ptr& newest, const query& q, const paged_views& pages) {
  range out{newest, newest->revision(), {}, 0};
  if (auto text = q.get("limit"); !text.empty()) {
    auto n = parse_revision(text);
    if (!n) return not_a_number("limit", text);
    out.limit = std::min<uint64_t>(*n, limits::list_page_max);
  }
  if (auto text = q.get("timeoutSeconds"); !text.empty() && !parse_revision(text))
    return not_a_number("timeoutSeconds", text);
  auto token = q.get("continue");
  if (auto text = q.get("resourceVersion"); !text.empty()) {
    auto n = parse_revision(text);
    if (!n) return not_a_number("resourceVersion", text);
    if (*n > newest->revision()) return too_large_revision(*n, newest->revision());
    if (q.get("resourceVersionMatch") == "Exact" && *n != newest->revision() && token.empty()) {
      out.view = pages.find(*n);
      out.revision = *n;
      if (!out.view) return expired("The resourceVersion for the provided list is too old.");
    }
  }
  if (token.empty()) return out;
  auto p = read_token(token);
  if (!p) return bad_request("continue key is not valid: take it as it stands in the list's metadata.continue");
  if (auto kept = pages.find(p->revision))
    out.view = kept;
  else if (p->revision < newest->compacted() || p->revision > newest->revision())
    return expired(std::string{token_expired});
  // Without the view, objects may be newer than the revision that the list tells of: a watch from there tells of them
  // again.
  out.revision = p->revision;
  out.after = p->after;
  return out;
}

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

std::variant<reply, failure> list_objects(const store::view_ptr& newest, const target& t, const query& q,
                                          const representation& r, paged_views& pages, int64_t now_ms) {
  auto selected = read_selection(t, q);
  if (auto* f = std::get_if<failure>(&selected)) return std::move(*f);
  const auto& s = std::get<selection>(selected);
  auto read = read_range(newest, q, pages);
  if (auto* f = std::get_if<failure>(&read)) return std::move(*f);
  const auto& wanted = std::get<range>(read);
  auto limit = wanted.limit;
  list_writer writer{*t.info, r, now_ms};
  std::string last;
  int64_t remaining = 0;
  auto key_of = [&](const store::object& o) {
    auto name = std::string{store::name_of(o)};
    return t.info->namespaced && s.ns.empty() ? std::string{store::namespace_of(o)} + "/" + name : name;
  };
  bool selective = s.narrowed() || !s.name.empty();
  s.scan(*wanted.view, *t.info, wanted.after, [&](const store::object& o) {
    if (limit > 0 && writer.size() == limit) {
      ++remaining;
      return !selective;  // how many remain is told of plain lists alone
    }
    writer.add(o);
    if (limit > 0 && writer.size() == limit) last = key_of(o);
    return true;
  });
  reply out;
  std::string token;
  if (remaining > 0) {
    if (wanted.view->revision() == wanted.revision) pages.keep(wanted.view);
    token = make_token({wanted.revision, last});
  }
  out.body = std::move(writer).finish(wanted.revision, token, s.narrowed() ? -1 : remaining);
  return out;
}

}  // namespace skerry::api
