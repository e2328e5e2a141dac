#include "schema/json.hpp"

#include <algorithm>
#include <boost/json/stream_parser.hpp>
#include <chrono>
#include <cstdio>

#include "schema/json_storage.hpp"
#include "schema/limits.hpp"

namespace skerry {

json::value parse_json(std::string_view text, std::string& error) { return parse_json(text, error, {}); }

json::value parse_json(std::string_view text, std::string& error, json::storage_ptr storage) {
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  json::error_code ec;
  json::stream_parser parser{json::storage_ptr{}, options};
  parser.reset(std::move(storage));
  auto used = parser.write_some(text.data(), text.size(), ec);
  if (!ec && used == text.size()) parser.finish(ec);
  if (!ec && parser.done() && used == text.size()) return parser.release();
  auto at = std::min(used, text.size());
  auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  auto start = text.substr(0, at).rfind('\n');
  auto column = at - (start == std::string_view::npos ? 0 : start + 1) + 1;
  error = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " +
          (ec ? ec.message() : std::string{"extra text after the document"});
  return {};
}

const json::value* find(const json::value& root, std::string_view dotted) {
  const json::value* v = &root;
  while (!dotted.empty()) {
    auto dot = dotted.find('.');
    const auto* o = v->if_object();
    if (o == nullptr) return nullptr;
    v = o->if_contains(dotted.substr(0, dot));
    if (v == nullptr) return nullptr;
    dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
  }
  return v;
}

json::value* find(json::value& root, std::string_view dotted) {
  return const_cast<json::value*>(find(static_cast<const json::value&>(root), dotted));
}

std::string_view string_at(const json::value& root, std::string_view dotted, std::string_view otherwise) {
  const auto* v = find(root, dotted);
  const auto* s = v != nullptr ? v->if_string() : nullptr;
  return s != nullptr ? std::string_view{s->data(), s->size()} : otherwise;
}

int64_t int_at(const json::value& root, std::string_view dotted, int64_t otherwise) {
  const auto* v = find(root, dotted);
  if (v == nullptr) return otherwise;
  if (v->is_int64()) return v->get_int64();
  if (v->is_uint64()) return static_cast<int64_t>(v->get_uint64());
  if (v->is_double()) return static_cast<int64_t>(v->get_double());
  return otherwise;
}

bool bool_at(const json::value& root, std::string_view dotted, bool otherwise) {
  const auto* v = find(root, dotted);
  return v != nullptr && v->is_bool() ? v->get_bool() : otherwise;
}

const json::array& array_at(const json::value& root, std::string_view dotted) {
  static const json::array empty;
  const auto* v = find(root, dotted);
  const auto* a = v != nullptr ? v->if_array() : nullptr;
  return a != nullptr ? *a : empty;
}

const json::object& object_at(const json::value& root, std::string_view dotted) {
  static const json::object empty;
  const auto* v = find(root, dotted);
  const auto* o = v != nullptr ? v->if_object() : nullptr;
  return o != nullptr ? *o : empty;
}

json::value& ensure(json::value& root, std::string_view dotted) {
  json::value* v = &root;
  while (!dotted.empty()) {
    auto dot = dotted.find('.');
    if (!v->is_object()) v->emplace_object();
    v = &v->get_object()[dotted.substr(0, dot)];
    dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
  }
  return *v;
}

namespace {
struct broken_time {
  int year;
  unsigned month, day;
  int hour, minute, second, milli;
};
broken_time break_down(int64_t unix_ms) {
  using namespace std::chrono;
  sys_time<milliseconds> t{milliseconds{unix_ms}};
  auto d = floor<days>(t);
  year_month_day ymd{d};
  hh_mm_ss<milliseconds> hms{t - d};
  return {static_cast<int>(ymd.year()),
          static_cast<unsigned>(ymd.month()),
          static_cast<unsigned>(ymd.day()),
          static_cast<int>(hms.hours().count()),
          static_cast<int>(hms.minutes().count()),
          static_cast<int>(hms.seconds().count()),
          static_cast<int>(hms.subseconds().count())};
}
}  // namespace

std::string format_time(int64_t unix_ms) {
  auto b = break_down(unix_ms);
  if (b.year < 0 || b.year > 9999) {
    char out[48];
    std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", b.year, b.month, b.day, b.hour, b.minute,
                  b.second);
    return out;
  }
  // Statuses and events are full of times: by hand, for printf takes ten times as long.
  std::string out = "0000-00-00T00:00:00Z";
  auto two = [&](size_t at, int n) {
    out[at] = static_cast<char>('0' + n / 10);
    out[at + 1] = static_cast<char>('0' + n % 10);
  };
  two(0, b.year / 100);
  two(2, b.year % 100);
  two(5, static_cast<int>(b.month));
  two(8, static_cast<int>(b.day));
  two(11, b.hour);
  two(14, b.minute);
  two(17, b.second);
  return out;
}

std::string format_micro_time(int64_t unix_ms) {
  auto b = break_down(unix_ms);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03d000Z", b.year, b.month, b.day, b.hour, b.minute,
                b.second, b.milli);
  return out;
}

std::optional<int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  int y, h, mi, s, used = 0;
  unsigned mo, d;
  std::string copy{text};
  if (std::sscanf(copy.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &used) != 6) return {};
  year_month_day ymd{year{y}, month{mo}, day{d}};
  if (!ymd.ok() || h > 24 || mi > 59 || s > 60) return {};
  auto ms = sys_time<milliseconds>{sys_days{ymd}}.time_since_epoch().count() + ((h * 60LL + mi) * 60 + s) * 1000;
  const char* p = copy.c_str() + used;
  if (*p == '.') {
    int64_t scale = 100;
    for (++p; *p >= '0' && *p <= '9'; ++p, scale /= 10) ms += (*p - '0') * scale;
  }
  if (*p == 'Z' || *p == 'z') return p[1] == 0 ? std::optional{ms} : std::nullopt;
  int oh, om;
  char sign;
  if (std::sscanf(p, "%c%2d:%2d", &sign, &oh, &om) != 3 || (sign != '+' && sign != '-')) return {};
  auto offset = (oh * 60LL + om) * 60'000;
  return sign == '+' ? ms - offset : ms + offset;
}

}  // namespace skerry
