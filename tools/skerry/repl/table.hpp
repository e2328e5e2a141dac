#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::tools::repl {

/// Rows of text in columns, as people read them. Columns are as wide as their widest cell (in characters, not bytes);
/// the last one is not padded. Numbers, which begin with a digit in every row, stand to the right. Pure.
class table {
public:
  explicit table(std::vector<std::string> head) : head_(std::move(head)) {}
  /// Takes one row; missing cells are empty.
  void add(std::vector<std::string> row);
  /// The head and all rows, each with its line end. Lines are cut at `width` characters; 0: not cut.
  std::string text(size_t width = 0) const;
  size_t rows() const { return rows_.size(); }

private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

/// Characters of UTF-8 text (not of those that are drawn two wide).
size_t characters(std::string_view text);
/// The first `most` characters, the last of them "…" if some were cut off.
std::string cut(std::string_view text, size_t most);
/// Control characters, which a hostile name could carry to the terminal, shown as "\x1b".
std::string printable(std::string_view text);

/// "4d3h", "3h02m", "5m07s", "12.3s", "45ms"; "-" if negative.
std::string span(int64_t ms);
/// "1.2 MB", "34 kB", "5 B".
std::string size(uint64_t bytes);

}  // namespace skerry::tools::repl
