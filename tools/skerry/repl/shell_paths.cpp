#include <algorithm>

#include "schema/error.hpp"
#include "schema/path.hpp"
#include "tools/skerry/repl/near.hpp"
#include "tools/skerry/repl/shell.hpp"

/// Where a path leads, and what is near one that leads nowhere.
namespace skerry::tools::repl {
namespace {

constexpr uint32_t soon_ms = 1'000;  ///< completion and hints wait no longer
constexpr uint32_t answer_ms_max = 12'000;

letter<schema::AskLinks> ask_links() {
  return letter<schema::AskLinks>::build([](schema::AskLinks::Builder) {});
}

letter<schema::AskList> ask_list(const std::string& path, const std::string& start = {}) {
  return letter<schema::AskList>::build([&](schema::AskList::Builder b) {
    b.setPath(path);
    b.setStart(start);
  });
}

std::string last_name(std::string_view path) { return std::string{path.substr(path.rfind('/') + 1)}; }

}  // namespace

std::string shell::admin_of(const std::string& path) const {
  auto island = paths::island_of(path);
  return (island.empty() ? remote_.home() : std::string{island}) + "/admin";
}

caf::expected<std::vector<std::string>> shell::islands(uint32_t deadline_ms) {
  auto r = remote_.ask_for<schema::Links>(remote_.home() + "/admin", ask_links(), deadline_ms);
  if (!r) return std::move(r.error());
  std::vector<std::string> out{remote_.home()};
  for (auto l : (**r).getLinks()) out.push_back(text_of(l.getIsland()));
  std::sort(out.begin(), out.end());
  return out;
}

/// Is there an island that has this path? Known at once, where a letter to nowhere would wait.
caf::error shell::reachable(const std::string& path) {
  if (path.empty() || paths::is_below(path, remote_.home())) return {};
  if (auto e = paths::check(path)) return e;
  auto all = islands(answer_ms_max);
  if (!all) return std::move(all.error());
  auto island = std::string{paths::island_of(path)};
  if (std::find(all->begin(), all->end(), island) != all->end()) return {};
  return make_error(errc::not_found, remote_.home() + " has no link to " + island + did_you_mean(island, *all) +
                                         " `ls` lists those that there are");
}

/// Adds what helps to an error about `path`.
caf::error shell::explain(caf::error e, const std::string& path) {
  auto code = code_of(e);
  if (code == errc::suspended || code == errc::timed_out) {
    auto island = path.empty() ? remote_.home() : std::string{paths::island_of(path)};
    auto links = remote_.ask_for<schema::Links>(remote_.home() + "/admin", ask_links(), soon_ms);
    if (!links) return e;
    for (auto l : (**links).getLinks()) {
      if (text_of(l.getIsland()) != island || (l.getUp() && !l.getHeld())) continue;
      return make_error(errc::suspended, island + " is suspended: " +
                                             (l.getHeld() ? "its link is held, until `resume`"
                                                          : "its link is cut; `links` shows since when") +
                                             ". What was asked did not get there in time");
    }
    return e;
  }
  if (code != errc::not_found || path.empty()) return e;
  auto parent = std::string{paths::parent_of(path)};
  auto names = remote_.ask_for<schema::Names>(admin_of(path), ask_list(parent), soon_ms);
  if (!names) return e;
  std::vector<std::string> near;
  for (auto n : (**names).getNames()) near.push_back(text_of(n.getName()));
  auto hint = did_you_mean(last_name(path), near);
  if (hint.empty()) hint = "; `ls " + parent + "` shows who does";
  return make_error(errc::not_found, message_of(e) + hint);
}

int shell::list(const call& c) {
  auto island = paths::island_of(c.path);
  if (!island.empty()) {
    auto r = inquire<schema::Names>(c.path, ask_list(c.path), answer_ms_max);
    if (!r) return fail(c, r.error());
    return show(*r, names_text);
  }
  auto all = islands(answer_ms_max);
  if (!all) return fail(c, all.error());
  auto prefix = c.path.empty() || c.path == "/" ? std::string{"/"} : c.path + "/";
  std::vector<std::string> shown;
  for (const auto& i : *all)
    if (i.starts_with(prefix)) shown.push_back(prefix == "/" ? i : i.substr(prefix.size()));
  if (shown.empty())
    return fail(c, make_error(errc::not_found, "no island's path begins with " + c.path + did_you_mean(c.path, *all)));
  return show(letter<schema::Names>::build([&](schema::Names::Builder b) {
                auto list = b.initNames(static_cast<unsigned>(shown.size()));
                for (unsigned i = 0; i < shown.size(); ++i) {
                  list[i].setName(shown[i]);
                  list[i].setBelow(true);
                }
              }),
              names_text);
}

std::vector<std::string> shell::paths_from(const std::string& start) {
  std::vector<std::string> out;
  auto slash = start.rfind('/');
  auto parent = start.substr(0, slash);
  if (paths::island_of(parent).empty()) {
    auto all = islands(soon_ms);
    if (all)
      for (const auto& i : *all) out.push_back(i + "/");
    return out;
  }
  auto names = remote_.ask_for<schema::Names>(admin_of(parent), ask_list(parent, start.substr(slash + 1)), soon_ms);
  if (names)
    for (auto n : (**names).getNames()) out.push_back(parent + "/" + text_of(n.getName()) + (n.getBelow() ? "/" : ""));
  return out;
}

name_sources shell::sources() {
  return {
      [this](const std::string& start) { return paths_from(start); },
      [this] {
        std::vector<std::string> out;
        if (auto all = islands(soon_ms))
          for (const auto& i : *all)
            if (i != remote_.home())
              out.push_back(paths::kind_of(i) == paths::island_kind::node ? std::string{paths::name_of_island(i)} : i);
        return out;
      },
      [this] {
        std::vector<std::string> out;
        for (const auto* m : words_.all()) out.push_back(m->name());
        return out;
      }};
}

}  // namespace skerry::tools::repl
