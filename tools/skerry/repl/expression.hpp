#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace skerry::tools::repl {

/// What `watch` takes: "max(/cloud/**.depth) > 100", "/cloud/store.depth", "count(/node/n1/pod/*)".
struct expression {
  enum class function : uint8_t { value, sum, max, min, avg, count };
  enum class relation : uint8_t { none, less, less_equal, equal, not_equal, greater_equal, greater };
  function what = function::value;
  std::string pattern;  ///< a path, in which * stands for anything within a name and ** for any names
  std::string field;    ///< empty for count
  relation how = relation::none;
  std::string bound;  ///< what it is compared with, as it was typed
  double number = 0;  ///< the same as a number, where the field is one
};

/// One actor, as an expression sees it.
struct sample {
  std::string path, phase;
  double depth = 0, restarts = 0, handled = 0, busy_ms = 0, up_ms = 0, children = 0;
};

/// The value of an expression, and whether its comparison holds.
struct reading {
  std::string text;
  bool holds = false;
};

/// Errors: errc::invalid, saying at what it does not parse, with names that are near.
caf::expected<expression> parse_expression(std::string_view text);
/// True if the pattern covers the path.
bool matches(std::string_view pattern, std::string_view path);
/// The part of the pattern before its first * : nothing outside of it can match.
std::string fixed_part(std::string_view pattern);
/// Errors: errc::not_found if nothing matches (but count is then 0).
caf::expected<reading> evaluate(const expression& e, std::span<const sample> all);

}  // namespace skerry::tools::repl
