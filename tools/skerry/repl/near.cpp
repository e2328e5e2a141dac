#include "tools/skerry/repl/near.hpp"

#include <algorithm>
#include <cctype>

namespace skerry::tools::repl {
namespace {

bool same(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

bool begins_with(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && std::equal(start.begin(), start.end(), text.begin(), same);
}

}  // namespace

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates, size_t most) {
  std::vector<std::pair<size_t, std::string>> found;
  for (const auto& c : candidates) {
    if (word.size() > 1 && begins_with(c, word)) {
      found.emplace_back(0, c);
    } else if (auto edits = distance(word, c); edits <= std::max<size_t>(1, c.size() / 3)) {
      found.emplace_back(edits, c);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> out;
  for (auto& [edits, c] : found)
    if (out.size() < most) out.push_back(std::move(c));
  return out;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  auto near = nearest(word, candidates);
  if (near.empty()) return {};
  std::string out = "; did you mean ";
  for (size_t i = 0; i < near.size(); ++i) {
    if (i > 0) out += i + 1 == near.size() ? " or " : ", ";
    out += "'" + near[i] + "'";
  }
  return out + "?";
}

}  // namespace skerry::tools::repl
