#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace skerry::base {

/// How often a line of the log may be written that somebody else can provoke, such as a node with letters that nobody
/// wants: ten at once, then one in five seconds. Those in between are counted, and told of by the next one that is
/// written. 16 bytes; pure; time is passed in (steady milliseconds); not thread-safe.
class line_limit {
public:
  static constexpr int64_t interval_ms = 5'000;
  static constexpr int64_t burst = 10;

  /// Empty: the line is not to be written. Else what it is to end with: "", or " (and 41 more)".
  std::optional<std::string> ask(int64_t now_ms) {
    due_ms_ = std::max(due_ms_, now_ms - (burst - 1) * interval_ms);
    if (due_ms_ > now_ms) {
      held_ += held_ < UINT32_MAX ? 1 : 0;
      return {};
    }
    due_ms_ += interval_ms;
    if (held_ == 0) return "";
    return " (and " + std::to_string(std::exchange(held_, 0)) + " more)";
  }

private:
  int64_t due_ms_ = INT64_MIN / 2;  ///< when the next line may be written
  uint32_t held_ = 0;
};

}  // namespace skerry::base
