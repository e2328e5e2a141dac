#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::tools::repl {

/// Edits that turn `a` into `b`: insert, remove or replace a letter, swap two neighbours (optimal string alignment).
/// Upper and lower case count as the same letter. Pure; O(a * b).
size_t distance(std::string_view a, std::string_view b);

/// The words of `candidates` that one may have meant by `word`: those that begin with it, then those at most a third
/// of their length (and one edit at least) away; nearest first, at most `most`.
std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates, size_t most = 3);

/// "; did you mean 'a', 'b' or 'c'?", or nothing when no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace skerry::tools::repl
