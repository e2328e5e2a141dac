#include "tools/skerry/repl/expression.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "schema/error.hpp"
#include "tools/skerry/repl/near.hpp"

namespace skerry::tools::repl {
namespace {

using function = expression::function;
using relation = expression::relation;

struct named_field {
  const char* name;
  double sample::*value;  ///< null: phase, which is text
};
constexpr named_field fields[] = {{"depth", &sample::depth},
                                  {"restarts", &sample::restarts},
                                  {"handled", &sample::handled},
                                  {"busy_ms", &sample::busy_ms},
                                  {"up_ms", &sample::up_ms},
                                  {"children", &sample::children},
                                  {"phase", nullptr}};
constexpr std::pair<const char*, function> functions[] = {{"sum", function::sum},
                                                          {"max", function::max},
                                                          {"min", function::min},
                                                          {"avg", function::avg},
                                                          {"count", function::count}};
/// The longer ones first: "<" is the beginning of "<=".
constexpr std::pair<std::string_view, relation> relations[] = {
    {"<=", relation::less_equal}, {">=", relation::greater_equal}, {"!=", relation::not_equal}, {"==", relation::equal},
    {"<", relation::less},        {">", relation::greater},        {"=", relation::equal}};

caf::error wrong(std::string what) { return make_error(errc::invalid, "watch: " + std::move(what)); }

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> out;
  for (const auto& row : table) {
    if constexpr (requires { row.name; })
      out.emplace_back(row.name);
    else
      out.emplace_back(row.first);
  }
  return out;
}

const named_field* field_of(std::string_view name) {
  for (const auto& f : fields)
    if (name == f.name) return &f;
  return nullptr;
}

caf::error take_operand(std::string_view operand, expression& out) {
  operand = trim(operand);
  if (out.what != function::count) {
    auto dot = operand.rfind('.');
    if (dot == std::string_view::npos || operand.find('/', dot) != std::string_view::npos)
      return wrong("'" + std::string{operand} + "' names no field; write PATH.FIELD, such as /cloud/store.depth");
    out.field = std::string{operand.substr(dot + 1)};
    operand = operand.substr(0, dot);
    const auto* f = field_of(out.field);
    if (f == nullptr) return wrong("no field '" + out.field + "'" + did_you_mean(out.field, names_of(fields)));
    if (f->value == nullptr && out.what != function::value) return wrong("phase is no number: only count takes all");
  }
  if (!operand.starts_with('/')) return wrong("'" + std::string{operand} + "' is no path: it begins with /");
  out.pattern = std::string{operand};
  if (out.what == function::value && out.pattern.find('*') != std::string::npos)
    return wrong("a path with * means many actors: put sum, max, min, avg or count around it");
  return {};
}

caf::error take_bound(std::string_view text, expression& out) {
  text = trim(text);
  out.bound = std::string{text};
  if (out.field == "phase") return text.empty() ? wrong("what it is compared with is missing") : caf::error{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (ec != std::errc{} || end != text.data() + text.size() || text.empty())
    return wrong("it is compared with a number, not with '" + out.bound + "'");
  return {};
}

template <class T>
bool compare(const T& a, relation how, const T& b) {
  switch (how) {
    case relation::less:
      return a < b;
    case relation::less_equal:
      return a <= b;
    case relation::equal:
      return a == b;
    case relation::not_equal:
      return a != b;
    case relation::greater_equal:
      return a >= b;
    case relation::greater:
      return a > b;
    case relation::none:
      break;
  }
  return false;
}

std::string number_text(double x) {
  char out[40];
  std::snprintf(out, sizeof out, x == std::floor(x) ? "%.0f" : "%.2f", x);
  return out;
}

std::string_view segment(std::string_view& path) {
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  auto end = std::min(path.find('/'), path.size());
  auto out = path.substr(0, end);
  path.remove_prefix(end);
  return out;
}

bool name_matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] != '*')
    return !name.empty() && pattern[0] == name[0] && name_matches(pattern.substr(1), name.substr(1));
  return name_matches(pattern.substr(1), name) || (!name.empty() && name_matches(pattern, name.substr(1)));
}

double fold(function what, const std::vector<double>& values) {
  double sum = 0, most = values[0], least = values[0];
  for (auto v : values) {
    sum += v;
    most = std::max(most, v);
    least = std::min(least, v);
  }
  if (what == function::max) return most;
  if (what == function::min) return least;
  return what == function::avg ? sum / static_cast<double>(values.size()) : sum;
}

}  // namespace

caf::expected<expression> parse_expression(std::string_view text) {
  expression out;
  text = trim(text);
  auto operand = text;
  for (auto [sign, how] : relations) {
    auto at = text.find(sign);
    if (at == std::string_view::npos) continue;
    operand = text.substr(0, at);
    out.how = how;
    text = text.substr(at + sign.size());
    break;
  }
  operand = trim(operand);
  if (auto open = operand.find('('); open != std::string_view::npos) {
    auto name = std::string{trim(operand.substr(0, open))};
    const auto* f = std::find_if(std::begin(functions), std::end(functions), [&](auto& x) { return name == x.first; });
    if (f == std::end(functions)) return wrong("no function '" + name + "'" + did_you_mean(name, names_of(functions)));
    if (!operand.ends_with(')')) return wrong("the bracket after " + name + " is not closed");
    out.what = f->second;
    operand = operand.substr(open + 1, operand.size() - open - 2);
  }
  if (auto e = take_operand(operand, out)) return e;
  if (out.how != relation::none)
    if (auto e = take_bound(text, out)) return e;
  return out;
}

bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    auto rest = pattern;
    auto wanted = segment(rest);
    if (wanted == "**") {
      for (;;) {
        if (matches(rest, path)) return true;
        if (path.empty()) return false;
        segment(path);
      }
    }
    if (path.empty()) return false;
    if (!name_matches(wanted, segment(path))) return false;
    pattern = rest;
  }
  return path.empty();
}

std::string fixed_part(std::string_view pattern) {
  auto star = pattern.find('*');
  if (star == std::string_view::npos) return std::string{pattern};
  auto slash = pattern.rfind('/', star);
  return std::string{pattern.substr(0, slash == 0 ? 1 : slash)};
}

caf::expected<reading> evaluate(const expression& e, std::span<const sample> all) {
  std::vector<double> values;
  std::string phase;
  const auto* field = e.what == function::count ? nullptr : field_of(e.field);
  for (const auto& s : all) {
    if (!matches(e.pattern, s.path)) continue;
    phase = s.phase;
    values.push_back(field != nullptr && field->value != nullptr ? s.*field->value : 1);
  }
  if (e.what == function::count) {
    auto n = static_cast<double>(values.size());
    return reading{number_text(n), compare(n, e.how, e.number)};
  }
  if (values.empty()) return make_error(errc::not_found, "no actor stands at " + e.pattern);
  if (e.field == "phase") return reading{phase, compare(phase, e.how, e.bound)};
  auto value = fold(e.what, values);
  return reading{number_text(value), compare(value, e.how, e.number)};
}

}  // namespace skerry::tools::repl
