#include "tools/skerry/repl/complete.hpp"

#include <algorithm>
#include <set>

namespace skerry::tools::repl {
namespace {

std::string common_start(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  std::string out = words[0];
  for (const auto& w : words)
    out.resize(static_cast<size_t>(std::mismatch(out.begin(), out.end(), w.begin(), w.end()).first - out.begin()));
  return out;
}

std::vector<std::string> beginning_with(const std::vector<std::string>& words, std::string_view start) {
  std::vector<std::string> out;
  for (const auto& w : words)
    if (w.starts_with(start)) out.push_back(w);
  return out;
}

std::vector<std::string> reading_commands() {
  return {"tree", "ls", "info", "crashes", "links", "twin", "samples", "ask", "top"};
}

/// The part of an expression or a path that is being typed: what follows the last bracket or space.
size_t begin_of_operand(std::string_view text) {
  auto at = text.find_last_of("( \t");
  return at == std::string_view::npos ? 0 : at + 1;
}

}  // namespace

std::vector<std::string> next_level(const std::vector<std::string>& paths, std::string_view start) {
  std::set<std::string> out;
  std::set<std::string> deeper;
  for (const auto& p : paths) {
    if (!p.starts_with(start)) continue;
    auto slash = p.find('/', std::max<size_t>(start.size(), 1));
    auto part = p.substr(0, slash);
    out.insert(part);
    if (slash != std::string::npos) deeper.insert(part);
  }
  std::vector<std::string> list;
  for (const auto& p : out) list.push_back(deeper.count(p) != 0 ? p + "/" : p);
  return list;
}

completion complete(std::string_view line, const name_sources& from) {
  completion out;
  auto words = words_of(line);
  if (words.empty() || (!line.empty() && line.find_last_of(" \t") == line.size() - 1 && !words.back().open))
    words.push_back({line.size(), line.size(), {}, false});  // a new word begins at the cursor
  out.begin = words.back().begin;
  auto typed = words.back().text;
  out.common = typed;
  std::vector<std::string> all;
  bool path = false;
  if (words.size() == 1) {
    all = command_names();
  } else if (const auto* c = find_command(words[0].text)) {
    const auto* p = place_at(*c, std::span{words}.subspan(1));
    if (p == nullptr) return out;
    switch (p->what) {
      case slot::path:
        path = true;
        break;
      case slot::node:
        all = from.nodes();
        break;
      case slot::message:
        all = from.messages();
        break;
      case slot::level:
        all.assign(log_levels().begin(), log_levels().end());
        break;
      case slot::command:
        all = command_names();
        break;
      case slot::expression: {
        auto skip = begin_of_operand(typed);
        out.begin += skip;
        typed = typed.substr(skip);
        path = typed.starts_with('/');
        if (!path) all = reading_commands();
        break;
      }
      default:
        return out;
    }
  }
  if (path && typed.empty()) typed = "/";
  out.candidates = path ? next_level(from.paths(typed), typed) : beginning_with(all, typed);
  std::sort(out.candidates.begin(), out.candidates.end());
  out.common = out.candidates.empty() ? typed : common_start(out.candidates);
  out.whole = out.candidates.size() == 1 && !out.candidates[0].ends_with('/');
  return out;
}

}  // namespace skerry::tools::repl
