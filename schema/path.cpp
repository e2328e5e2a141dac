#include "schema/path.hpp"

#include <algorithm>

#include "schema/error.hpp"

namespace skerry::paths {
namespace {

bool allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '#' || c == '@' || c == '-';
}

struct kind_name {
  island_kind kind;
  std::string_view prefix;
};
constexpr kind_name named[] = {
    {island_kind::node, "/node/"}, {island_kind::repl, "/repl/"}, {island_kind::controller, "/controller/"}};

caf::error check_segment(std::string_view s, std::string_view path) {
  auto bad = [&](const std::string& why) {
    return make_error(errc::invalid, "path \"" + std::string{path.substr(0, path_bytes_max)} + "\": " + why);
  };
  if (s.empty()) return bad("it has an empty segment; write it without double or trailing slashes");
  if (s.size() > segment_bytes_max)
    return bad("a segment of " + std::to_string(s.size()) + " bytes; at most " + std::to_string(segment_bytes_max) +
               " are allowed");
  if (s == "." || s == "..") return bad("\".\" and \"..\" are no names");
  auto c = std::find_if_not(s.begin(), s.end(), allowed);
  if (c != s.end()) return bad(std::string{"the character '"} + *c + "' is not one of A-Z a-z 0-9 . _ # @ -");
  return {};
}

}  // namespace

caf::error check(std::string_view path) {
  if (path.size() > path_bytes_max)
    return make_error(errc::invalid, "a path of " + std::to_string(path.size()) + " bytes; at most " +
                                         std::to_string(path_bytes_max) + " are allowed");
  if (!path.starts_with('/'))
    return make_error(errc::invalid, "path \"" + std::string{path} + "\" does not begin with \"/\"");
  auto parts = segments_of(path);
  if (parts.size() > segments_max)
    return make_error(errc::invalid,
                      "path \"" + std::string{path} + "\" has more than " + std::to_string(segments_max) + " segments");
  for (auto s : parts)
    if (auto e = check_segment(s, path)) return e;
  if (island_of(path).empty())
    return make_error(errc::invalid, "path \"" + std::string{path} +
                                         "\" names no island; it begins with /cloud, /node/<name>, /repl/<id> or "
                                         "/controller/<name>");
  return {};
}

std::string_view island_of(std::string_view path) {
  if (is_below(path, cloud)) return path.substr(0, cloud.size());
  for (const auto& k : named) {
    if (!path.starts_with(k.prefix)) continue;
    auto end = path.find('/', k.prefix.size());
    auto island = path.substr(0, end);
    return island.size() > k.prefix.size() ? island : std::string_view{};
  }
  return {};
}

island_kind kind_of(std::string_view path) {
  if (is_below(path, cloud)) return island_kind::cloud;
  for (const auto& k : named)
    if (path.starts_with(k.prefix) && path.size() > k.prefix.size() && path[k.prefix.size()] != '/') return k.kind;
  return island_kind::none;
}

std::string_view name_of_island(std::string_view path) {
  auto island = island_of(path);
  return island == cloud || island.empty() ? std::string_view{} : island.substr(island.rfind('/') + 1);
}

bool is_below(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string_view parent_of(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  if (!path.starts_with('/')) return out;
  for (size_t at = 1;;) {
    auto end = path.find('/', at);
    out.push_back(path.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return out;
    at = end + 1;
  }
}

std::string node(std::string_view name) { return "/node/" + std::string{name}; }

}  // namespace skerry::paths
