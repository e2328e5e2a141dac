#include "tools/skerry/repl/spark.hpp"

#include <algorithm>
#include <iterator>

namespace skerry::tools::repl {

std::string sparkline(const std::vector<std::optional<double>>& values) {
  constexpr const char* blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr auto top = static_cast<double>(std::size(blocks) - 1);
  std::optional<double> low, high;
  for (const auto& v : values) {
    if (!v) continue;
    low = std::min(low.value_or(*v), *v);
    high = std::max(high.value_or(*v), *v);
  }
  std::string out;
  for (const auto& v : values) {
    auto height = !v || *high <= *low ? top / 2 : (*v - *low) / (*high - *low) * top;
    out += v ? blocks[static_cast<size_t>(height + 0.5)] : " ";
  }
  return out;
}

}  // namespace skerry::tools::repl
