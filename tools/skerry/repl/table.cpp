#include "tools/skerry/repl/table.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace skerry::tools::repl {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string formatted(const char* format, double value) {
  char out[32];
  std::snprintf(out, sizeof out, format, value);
  return out;
}

std::string two_units(int64_t large, char a, int64_t small, char b) {
  char out[48];
  std::snprintf(out, sizeof out, "%lld%c%02lld%c", static_cast<long long>(large), a, static_cast<long long>(small), b);
  return out;
}

}  // namespace

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string cut(std::string_view text, size_t most) {
  if (characters(text) <= most) return std::string{text};
  if (most == 0) return {};
  size_t bytes = 0, seen = 0;
  while (bytes < text.size() && (seen < most - 1 || continues(text[bytes]))) seen += continues(text[bytes++]) ? 0 : 1;
  return std::string{text.substr(0, bytes)} + "…";
}

std::string printable(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : text) {
    if (c >= 0x20 && c != 0x7f)
      out += static_cast<char>(c);
    else
      (out += "\\x").append({hex[c >> 4], hex[c & 15]});
  }
  return out;
}

std::string span(int64_t ms) {
  if (ms < 0) return "-";
  auto s = ms / 1000;
  if (s >= 86'400) return two_units(s / 86'400, 'd', s % 86'400 / 3600, 'h');
  if (s >= 3600) return two_units(s / 3600, 'h', s % 3600 / 60, 'm');
  if (s >= 60) return two_units(s / 60, 'm', s % 60, 's');
  if (s >= 1) return formatted("%.1fs", static_cast<double>(ms) / 1000);
  return std::to_string(ms) + "ms";
}

std::string size(uint64_t bytes) {
  auto b = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return formatted("%.1f GB", b / 1e9);
  if (bytes >= 1'000'000) return formatted("%.1f MB", b / 1e6);
  if (bytes >= 1'000) return formatted("%.0f kB", b / 1e3);
  return std::to_string(bytes) + " B";
}

void table::add(std::vector<std::string> row) {
  row.resize(head_.size());
  for (auto& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

std::string table::text(size_t width) const {
  std::vector<size_t> widths(head_.size());
  std::vector<bool> right(head_.size(), !rows_.empty());
  for (size_t c = 0; c < head_.size(); ++c) {
    widths[c] = characters(head_[c]);
    for (const auto& row : rows_) {
      widths[c] = std::max(widths[c], characters(row[c]));
      auto first = row[c].empty() ? '-' : row[c][0];
      if (std::isdigit(static_cast<unsigned char>(first)) == 0 && row[c] != "-" && !row[c].empty()) right[c] = false;
    }
  }
  std::string out;
  auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (size_t c = 0; c < row.size(); ++c) {
      auto padding = std::string(widths[c] - characters(row[c]), ' ');
      if (right[c])
        text += padding + row[c];
      else
        text += c + 1 == row.size() ? row[c] : row[c] + padding;
      if (c + 1 < row.size()) text += "  ";
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    out += (width > 0 ? cut(text, width) : text) + "\n";
  };
  line(head_);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace skerry::tools::repl
