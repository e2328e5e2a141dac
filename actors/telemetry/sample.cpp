#include "actors/telemetry/sample.hpp"

#include <charconv>
#include <cmath>

namespace skerry::telemetry {
namespace {
template <class N>
std::string digits(N n) {
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, n).ptr;
  return {buffer, end};
}
}  // namespace

std::variant<std::monostate, int64_t, double, std::string> value_of(std::string_view text) {
  const auto* last = text.data() + text.size();
  int64_t whole = 0;
  auto i = std::from_chars(text.data(), last, whole);
  if (i.ec == std::errc{} && i.ptr == last && digits(whole) == text) return whole;
  auto number = text.empty() ? '\0' : text.front() == '-' && text.size() > 1 ? text[1] : text.front();
  double real = 0;
  auto d = std::from_chars(text.data(), last, real);
  auto leading_zero = number == '0' && text.find('.') != (text.front() == '-' ? 2U : 1U);
  if (number >= '0' && number <= '9' && !leading_zero && d.ec == std::errc{} && d.ptr == last && std::isfinite(real))
    return real;
  return std::string{text};
}

std::string text_of(const sample& s) {
  if (const auto* i = std::get_if<int64_t>(&s.value)) return digits(*i);
  if (const auto* d = std::get_if<double>(&s.value)) return digits(*d);
  if (const auto* t = std::get_if<std::string>(&s.value)) return *t;
  return {};
}

}  // namespace skerry::telemetry
