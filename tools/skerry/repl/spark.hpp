#pragma once
#include <optional>
#include <string>
#include <vector>

namespace skerry::tools::repl {

/// A line of blocks, one for each value, from the lowest ("▁") to the highest ("█"); a gap where there is none. Values
/// that are all the same lie in the middle. Pure.
std::string sparkline(const std::vector<std::optional<double>>& values);

}  // namespace skerry::tools::repl
