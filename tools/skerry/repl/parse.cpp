#include "tools/skerry/repl/parse.hpp"

#include <charconv>
#include <cmath>

#include "schema/error.hpp"
#include "tools/skerry/repl/near.hpp"

namespace skerry::tools::repl {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool takes_rest(slot s) { return s == slot::json || s == slot::expression; }

caf::error wrong(const command& c, const std::string& what) {
  return make_error(errc::invalid, std::string{c.name} + ": " + what + "; usage: " + usage(c));
}

bool is_flag(const word& w) { return w.text.size() >= 2 && w.text[0] == '-' && w.text[1] >= 'a' && w.text[1] <= 'z'; }

std::string shown(double x) {
  auto s = std::to_string(x);
  while (s.back() == '0') s.pop_back();
  if (s.back() == '.') s.pop_back();
  return s;
}

const flag* flag_of(const command& c, const word& w) {
  for (const auto& f : c.flags)
    if (w.text[1] == f.letter) return &f;
  return nullptr;
}

/// Takes "-n 5" or "-n5" at words[i]; moves i behind it.
caf::error take_flag(const command& c, std::span<const word> words, size_t& i, call& out) {
  const auto& w = words[i];
  const auto* f = flag_of(c, w);
  if (f == nullptr) return wrong(c, "unknown flag '" + w.text + "'");
  auto name = std::string{"-"} + f->letter;
  std::string text = w.text.substr(2);
  ++i;
  if (text.empty() && i < words.size()) text = words[i++].text;
  double value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size() || value < f->least || value > f->most ||
      (f->letter != 'i' && f->letter != 't' && value != std::floor(value)))
    return wrong(c, name + " takes " + f->name + ", a number from " + shown(f->least) + " to " + shown(f->most) +
                        (text.empty() ? "" : ", not '" + text + "'"));
  (f->letter == 'n' ? out.count : f->letter == 'd' ? out.levels : out.seconds) = value;
  return {};
}

caf::error check_path(const command& c, std::string& text) {
  if (text.empty() || text[0] != '/')
    return wrong(c,
                 "'" + text + "' is no path; did you mean '/" + text + "'? A path begins with /, such as /cloud/store");
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return {};
}

caf::error take_place(const command& c, const place& p, const word& w, call& out) {
  if (w.open) return wrong(c, "a quote is not closed in " + w.text);
  switch (p.what) {
    case slot::path:
      out.path = w.text;
      return check_path(c, out.path);
    case slot::message:
      out.message = w.text;
      return {};
    case slot::level:
      for (const auto& l : log_levels())
        if (l == w.text) return out.rest = w.text, caf::error{};
      return wrong(c, "no level '" + w.text + "'" + did_you_mean(w.text, log_levels()));
    case slot::node:
      out.rest = w.text.starts_with("/node/") ? w.text.substr(6) : w.text;
      return {};
    case slot::command:
      if (find_command(w.text) == nullptr)
        return wrong(c, "no command '" + w.text + "'" + did_you_mean(w.text, command_names()));
      [[fallthrough]];
    default:
      out.rest = w.text;
      return {};
  }
}

}  // namespace

std::vector<word> words_of(std::string_view line) {
  std::vector<word> out;
  for (size_t i = 0; i < line.size();) {
    if (is_space(line[i])) {
      ++i;
      continue;
    }
    word w{i, i, {}, false};
    char quote = 0;
    for (; i < line.size() && (quote != 0 || !is_space(line[i])); ++i) {
      char c = line[i];
      if (quote == 0 && (c == '\'' || c == '"'))
        quote = c;
      else if (c == quote)
        quote = 0;
      else if (quote == '"' && c == '\\' && i + 1 < line.size())
        w.text += line[++i];
      else
        w.text += c;
    }
    w.end = i;
    w.open = quote != 0;
    out.push_back(std::move(w));
  }
  return out;
}

const place* place_at(const command& c, std::span<const word> words) {
  size_t filled = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    bool last = i + 1 == words.size();
    if (filled < c.places.size() && takes_rest(c.places[filled].what) && !is_flag(words[i])) return &c.places[filled];
    if (is_flag(words[i])) {
      if (last || (words[i].text.size() == 2 && i + 2 == words.size())) return nullptr;  // the flag, or its number
      if (words[i].text.size() == 2) ++i;
      continue;
    }
    if (filled >= c.places.size()) return nullptr;
    if (last) return &c.places[filled];
    ++filled;
  }
  return nullptr;
}

caf::expected<call> parse_line(std::string_view line) {
  auto words = words_of(line);
  call out;
  if (words.empty() || words[0].text.starts_with('#')) return out;
  out.what = find_command(words[0].text);
  if (out.what == nullptr)
    return make_error(errc::invalid, "unknown command '" + words[0].text + "'" +
                                         did_you_mean(words[0].text, command_names()) + " `help` lists all");
  const auto& c = *out.what;
  size_t filled = 0;
  for (size_t i = 1; i < words.size();) {
    if (is_flag(words[i])) {
      if (auto e = take_flag(c, words, i, out)) return e;
      continue;
    }
    if (filled == c.places.size()) return wrong(c, "unexpected '" + words[i].text + "'");
    const auto& p = c.places[filled++];
    if (takes_rest(p.what)) {
      auto rest = line.substr(words[i].begin);
      while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
      out.rest = std::string{rest};
      break;
    }
    if (auto e = take_place(c, p, words[i++], out)) return e;
  }
  if (filled < c.places.size() && !c.places[filled].optional)
    return wrong(c, std::string{c.places[filled].name} + " is missing");
  return out;
}

}  // namespace skerry::tools::repl
