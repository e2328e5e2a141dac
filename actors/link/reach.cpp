#include "actors/link/reach.hpp"

#include <algorithm>

#include "schema/path.hpp"

namespace skerry::link {
namespace {

/// Of an island's inspector, which kills, traces and suspends for operators.
bool is_admin(std::string_view path) {
  auto rest = path.substr(paths::island_of(path).size());
  return rest == "/admin" || rest.starts_with("/admin/");
}

}  // namespace

bool default_reach(const passage& p) {
  auto from = paths::kind_of(p.from);
  if (from == paths::island_kind::none) return false;
  if (paths::is_below(p.to, p.from)) return true;
  if (from == paths::island_kind::controller) return !is_admin(p.to);
  if (from != paths::island_kind::node) return true;
  if (p.what == passage::errand::exit) return false;
  if (paths::kind_of(p.to) == paths::island_kind::repl) return p.invited && p.what == passage::errand::tell;
  return paths::is_below(p.to, paths::cloud) && !is_admin(p.to);
}

void invitations::note(std::string_view by, std::string_view island, int64_t now_ms) {
  std::lock_guard lock{mutex_};
  ends_ms_[{std::string{by}, std::string{island}}] = now_ms + invitation_ms;
  if (ends_ms_.size() <= invitations_max) return;
  std::erase_if(ends_ms_, [&](const auto& i) { return i.second <= now_ms; });
  if (ends_ms_.size() <= invitations_max) return;
  ends_ms_.erase(
      std::min_element(ends_ms_.begin(), ends_ms_.end(), [](auto& a, auto& b) { return a.second < b.second; }));
}

bool invitations::hold(std::string_view by, std::string_view island, int64_t now_ms) const {
  std::lock_guard lock{mutex_};
  auto i = ends_ms_.find({std::string{by}, std::string{island}});
  return i != ends_ms_.end() && i->second > now_ms;
}

void invitations::forget(std::string_view island) {
  std::lock_guard lock{mutex_};
  std::erase_if(ends_ms_,
                [&](const auto& i) { return i.first.island == island || paths::is_below(i.first.by, island); });
}

size_t invitations::size() const {
  std::lock_guard lock{mutex_};
  return ends_ms_.size();
}

}  // namespace skerry::link
