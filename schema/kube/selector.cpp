#include "schema/kube/selector.hpp"

#include <algorithm>
#include <charconv>

#include "schema/kube/validate.hpp"
#include "schema/kube/value.hpp"

namespace skerry::kube {
namespace {

using op = label_selector::op;

/// The tokens of a selector: words and ( ) , ! = == != > <.
class lexer {
public:
  explicit lexer(std::string_view s) : rest_(s) { advance(); }
  std::string_view token() const { return token_; }
  bool end() const { return token_.empty(); }
  bool word() const { return !end() && !special(token_[0]); }
  std::string_view take() {
    auto t = token_;
    advance();
    return t;
  }
  /// True and past it, if the token is `t`.
  bool skip(std::string_view t) {
    if (token_ != t) return false;
    advance();
    return true;
  }

private:
  static bool space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool special(char c) { return std::string_view{"(),!=><"}.find(c) != std::string_view::npos; }
  void advance() {
    while (!rest_.empty() && space(rest_[0])) rest_.remove_prefix(1);
    size_t n = 0;
    if (!rest_.empty() && special(rest_[0])) {
      n = rest_.substr(0, 2) == "==" || rest_.substr(0, 2) == "!=" ? 2 : 1;
    } else {
      while (n < rest_.size() && !special(rest_[n]) && !space(rest_[n])) ++n;
    }
    token_ = rest_.substr(0, n);
    rest_.remove_prefix(n);
  }
  std::string_view rest_, token_;
};

caf::error bad(std::string_view what, std::string_view found) {
  return make_error(errc::invalid,
                    "unable to parse requirement: found '" + std::string{found} + "', expected: " + std::string{what});
}

std::optional<int64_t> number(std::string_view s) {
  int64_t v = 0;
  auto [p, ec] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (ec != std::errc{} || p != s.data() + s.size()) return std::nullopt;
  return v;
}

caf::error check(const label_selector::requirement& r) {
  if (!is_qualified_name(r.key))
    return make_error(errc::invalid, "key: Invalid value: \"" + r.key +
                                         "\": name part must consist of alphanumeric characters, '-', '_' or '.'");
  for (const auto& v : r.values) {
    if ((r.what == op::greater || r.what == op::less) && !number(v))
      return make_error(errc::invalid,
                        "values: Invalid value: \"" + v + "\": for 'Gt', 'Lt' operators, the value must be an integer");
    if (!is_label_value(v))
      return make_error(
          errc::invalid,
          "values[" + r.key + "]: Invalid value: \"" + v + "\": a valid label must be an empty string or consist of " +
              "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character");
  }
  return {};
}

/// Reads "(a,b,c)"; an empty word is the empty value.
caf::error read_set(lexer& in, std::vector<std::string>& out) {
  if (!in.skip("(")) return bad("'('", in.token());
  while (true) {
    out.emplace_back(in.word() ? in.take() : std::string_view{});
    if (in.skip(")")) break;
    if (!in.skip(",")) return bad("',' or ')'", in.token());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return {};
}

caf::error read_requirement(lexer& in, label_selector::requirement& r) {
  bool negated = in.skip("!");
  if (!in.word()) return bad("identifier", in.token());
  r.key = in.take();
  if (negated || in.end() || in.token() == ",") {
    r.what = negated ? op::not_exists : op::exists;
    return {};
  }
  auto how = in.take();
  if (how == "in" || how == "notin") {
    r.what = how == "in" ? op::in : op::not_in;
    return read_set(in, r.values);
  }
  if (how == "=" || how == "==") {
    r.what = op::in;
  } else if (how == "!=") {
    r.what = op::not_in;
  } else if (how == ">" || how == "<") {
    r.what = how == ">" ? op::greater : op::less;
  } else {
    return bad("in, notin, =, ==, !=, gt, lt", how);
  }
  r.values.emplace_back(in.word() ? in.take() : std::string_view{});
  return {};
}

}  // namespace

caf::expected<label_selector> label_selector::parse(std::string_view source) {
  label_selector out;
  lexer in{source};
  if (in.end()) return out;
  while (true) {
    requirement r;
    if (auto e = read_requirement(in, r)) return e;
    if (auto e = check(r)) return e;
    out.requirements_.push_back(std::move(r));
    if (in.end()) break;
    if (!in.skip(",")) return bad("',' or end of string", in.token());
    if (in.end()) return bad("identifier after ','", "");
  }
  return out;
}

caf::expected<label_selector> label_selector::from_object(const json::value& selector) {
  label_selector out;
  if (selector.is_null()) {
    out.nothing_ = true;
    return out;
  }
  const auto* o = selector.if_object();
  if (o == nullptr) return make_error(errc::invalid, "selector: expected object");
  if (const auto* labels = object_in(*o, "matchLabels")) out = from_map(*labels);
  if (const auto* list = array_in(*o, "matchExpressions")) {
    for (const auto& v : *list) {
      const auto* e = v.if_object();
      if (e == nullptr) return make_error(errc::invalid, "matchExpressions: expected object");
      requirement r;
      r.key = text_in(*e, "key");
      auto how = text_in(*e, "operator");
      if (const auto* values = array_in(*e, "values"))
        for (const auto& x : *values)
          if (const auto* s = x.if_string()) r.values.emplace_back(text(*s));
      std::sort(r.values.begin(), r.values.end());
      if (how == "In" || how == "NotIn") {
        r.what = how == "In" ? op::in : op::not_in;
        if (r.values.empty())
          return make_error(errc::invalid,
                            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
      } else if (how == "Exists" || how == "DoesNotExist") {
        r.what = how == "Exists" ? op::exists : op::not_exists;
        if (!r.values.empty())
          return make_error(errc::invalid,
                            "values: Invalid value: values set must be empty for exists and does not exist");
      } else {
        return make_error(errc::invalid, "\"" + std::string{how} + "\" is not a valid label selector operator");
      }
      out.requirements_.push_back(std::move(r));
    }
  }
  for (const auto& r : out.requirements_)
    if (auto e = check(r)) return e;
  return out;
}

label_selector label_selector::from_map(const json::object& labels) {
  label_selector out;
  for (const auto& kv : labels) {
    const auto* s = kv.value().if_string();
    out.requirements_.push_back(
        {std::string{kv.key()}, op::in, {s != nullptr ? std::string{text(*s)} : std::string{}}});
  }
  std::sort(out.requirements_.begin(), out.requirements_.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return out;
}

bool label_selector::holds(const requirement& r, std::optional<std::string_view> value) {
  auto listed = [&] { return std::find(r.values.begin(), r.values.end(), *value) != r.values.end(); };
  switch (r.what) {
    case op::in:
      return value && listed();
    case op::not_in:
      return !value || !listed();
    case op::exists:
      return value.has_value();
    case op::not_exists:
      return !value;
    case op::greater:
    case op::less: {
      if (!value) return false;
      auto have = number(*value);
      auto want = number(r.values.front());
      return have && want && (r.what == op::greater ? *have > *want : *have < *want);
    }
  }
  return false;
}

std::string label_selector::to_string() const {
  std::string out;
  for (const auto& r : requirements_) {
    if (!out.empty()) out += ',';
    if (r.what == op::not_exists) out += '!';
    out += r.key;
    if (r.what == op::greater || r.what == op::less) out += (r.what == op::greater ? ">" : "<") + r.values.front();
    if (r.what != op::in && r.what != op::not_in) continue;
    if (r.values.size() == 1) {
      out += (r.what == op::in ? "=" : "!=") + r.values.front();
      continue;
    }
    out += r.what == op::in ? " in (" : " notin (";
    for (size_t i = 0; i < r.values.size(); ++i) out += (i == 0 ? "" : ",") + r.values[i];
    out += ')';
  }
  return out;
}

caf::expected<field_selector> field_selector::parse(std::string_view source,
                                                    const std::vector<std::string_view>& allowed) {
  field_selector out;
  // Terms are cut at commas that no backslash precedes; \\ \, \= stand for themselves in values.
  std::vector<std::string_view> terms;
  size_t start = 0;
  for (size_t i = 0; i <= source.size(); ++i) {
    if (i < source.size() && source[i] == '\\') {
      ++i;
      continue;
    }
    if (i >= source.size() || source[i] == ',') {
      auto end = std::min(i, source.size());
      if (end > start) terms.push_back(source.substr(start, end - start));
      start = end + 1;
    }
  }
  for (auto term : terms) {
    requirement r;
    auto at = term.find_first_of("!=");
    if (at == std::string_view::npos || (term[at] == '!' && term.substr(at, 2) != "!="))
      return make_error(errc::invalid, "invalid field selector: \"" + std::string{term} +
                                           "\": can't understand it; expected path=value or path!=value");
    r.negated = term[at] == '!';
    r.path = term.substr(0, at);
    auto value = term.substr(at + (r.negated || term.substr(at, 2) == "==" ? 2 : 1));
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\' && i + 1 < value.size()) ++i;
      r.value += value[i];
    }
    if (r.path != "metadata.name" && r.path != "metadata.namespace" &&
        std::find(allowed.begin(), allowed.end(), r.path) == allowed.end())
      return make_error(errc::invalid, "field label not supported: " + r.path);
    out.requirements_.push_back(std::move(r));
  }
  return out;
}

bool field_selector::matches(const json::value& object) const {
  std::string buffer;
  return matches_with([&](std::string_view path) -> std::string_view {
    const auto* v = find(object, path);
    if (v != nullptr && v->is_object() && path == "source") v = v->get_object().if_contains("component");
    if (v == nullptr || v->is_null())
      return path == "spec.unschedulable" || path == "spec.hostNetwork" ? "false"
             : path == "status.replicas"                                ? "0"
                                                                        : "";
    if (const auto* s = v->if_string()) return text(*s);
    if (v->is_bool()) return v->get_bool() ? "true" : "false";
    if (auto n = integer(*v)) return buffer = std::to_string(*n);
    return {};
  });
}

std::string_view field_selector::exact(std::string_view path) const {
  for (const auto& r : requirements_)
    if (!r.negated && r.path == path) return r.value;
  return {};
}

}  // namespace skerry::kube
