#include "test/proof/record.hpp"

namespace skerry::test::proof {

std::string sent_record::check(const std::vector<uint64_t>& effects) const {
  auto at = [](size_t i) { return " (effect " + std::to_string(i) + ")"; };
  auto expected = letters_.begin();
  uint64_t last = 0;
  for (size_t i = 0; i < effects.size(); ++i) {
    auto n = effects[i];
    if (letters_.find(n) == letters_.end()) return "letter " + std::to_string(n) + " was never sent" + at(i);
    if (n == last) return "letter " + std::to_string(n) + " took effect twice" + at(i);
    if (n < last) return "letter " + std::to_string(n) + " came after " + std::to_string(last) + at(i);
    for (; expected->first < n; ++expected)
      if (expected->second.must) return "letter " + std::to_string(expected->first) + " is lost" + at(i);
    ++expected;
    last = n;
  }
  for (; expected != letters_.end(); ++expected)
    if (expected->second.must)
      return "letter " + std::to_string(expected->first) + " did not arrive; the last that did is " +
             std::to_string(last);
  return {};
}

}  // namespace skerry::test::proof
