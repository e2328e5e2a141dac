#include "schema/kube/quantity.hpp"

#include <cmath>
#include <cstdio>

namespace skerry::kube {
namespace {

__extension__ using wide = __int128;
constexpr wide nano = 1'000'000'000;
/// Far below 2^127: sums of a few never overflow.
constexpr wide limit = wide{1} << 120;

struct unit {
  std::string_view name;
  quantity::format format;
  int base, exponent;
};
constexpr unit units[] = {{"n", quantity::format::decimal_si, 10, -9}, {"u", quantity::format::decimal_si, 10, -6},
                          {"m", quantity::format::decimal_si, 10, -3}, {"", quantity::format::decimal_si, 10, 0},
                          {"k", quantity::format::decimal_si, 10, 3},  {"M", quantity::format::decimal_si, 10, 6},
                          {"G", quantity::format::decimal_si, 10, 9},  {"T", quantity::format::decimal_si, 10, 12},
                          {"P", quantity::format::decimal_si, 10, 15}, {"E", quantity::format::decimal_si, 10, 18},
                          {"Ki", quantity::format::binary_si, 2, 10},  {"Mi", quantity::format::binary_si, 2, 20},
                          {"Gi", quantity::format::binary_si, 2, 30},  {"Ti", quantity::format::binary_si, 2, 40},
                          {"Pi", quantity::format::binary_si, 2, 50},  {"Ei", quantity::format::binary_si, 2, 60}};

bool digit(char c) { return c >= '0' && c <= '9'; }

wide saturate(wide v) { return v > limit ? limit : v; }

/// `a * b`, both not negative, saturated.
wide times(wide a, wide b) { return b != 0 && a > limit / b ? limit : a * b; }

/// Reads "e3", "E-3" into a unit; false if it is none.
bool read_exponent(std::string_view s, unit& u) {
  if (s.size() < 2 || (s[0] != 'e' && s[0] != 'E')) return false;
  s.remove_prefix(1);
  bool negative = s[0] == '-';
  if (s[0] == '-' || s[0] == '+') s.remove_prefix(1);
  if (s.empty() || s.size() > 3) return false;
  int e = 0;
  for (char c : s) {
    if (!digit(c)) return false;
    e = e * 10 + (c - '0');
  }
  u = {{}, quantity::format::decimal_exponent, 10, negative ? -e : e};
  return true;
}

bool read_unit(std::string_view s, unit& u) {
  for (const auto& x : units)
    if (x.name == s) {
      u = x;
      return true;
    }
  return read_exponent(s, u);
}

std::string digits(wide v) {
  char out[48];
  char* p = out + sizeof out;
  bool negative = v < 0;
  if (negative) v = -v;
  do {
    *--p = static_cast<char>('0' + static_cast<int>(v % 10));
    v /= 10;
  } while (v != 0);
  if (negative) *--p = '-';
  return {p, out + sizeof out};
}

int64_t divide_up(wide v, wide by) {
  wide q = v / by;
  if (v % by != 0) q += v < 0 ? -1 : 1;
  if (q > INT64_MAX) return INT64_MAX;
  if (q < INT64_MIN) return INT64_MIN;
  return static_cast<int64_t>(q);
}

}  // namespace

/// The common forms, without a point and of at most 15 digits: nothing can overflow.
std::optional<quantity> quantity::parse_plain(std::string_view s) {
  int64_t n = 0;
  size_t i = 0;
  for (; i < s.size() && i < 15 && digit(s[i]); ++i) n = n * 10 + (s[i] - '0');
  if (i == 0) return std::nullopt;
  auto suffix = s.substr(i);
  if (suffix.empty()) return from_value(n);
  if (suffix == "m") return from_milli(n);
  auto shift = suffix == "Ki" ? 10 : suffix == "Mi" ? 20 : suffix == "Gi" ? 30 : 0;
  if (shift == 0) return std::nullopt;
  quantity q;
  q.nano_ = (wide{n} << shift) * nano;
  q.format_ = format::binary_si;
  return q;
}

quantity quantity::from_milli(int64_t milli, format f) {
  quantity q;
  q.nano_ = wide{milli} * 1'000'000;
  q.format_ = f;
  return q;
}

quantity quantity::from_value(int64_t value, format f) {
  quantity q;
  q.nano_ = wide{value} * nano;
  q.format_ = f;
  return q;
}

bool quantity::plainly_canonical(std::string_view s) {
  uint64_t n = 0;
  size_t i = 0;
  for (; i < s.size() && i < 15 && digit(s[i]); ++i) n = n * 10 + static_cast<uint64_t>(s[i] - '0');
  if (i == 0 || s[0] == '0') return s == "0";
  auto suffix = s.substr(i);
  if (suffix.empty() || suffix == "m") return n % 1000 != 0;
  return (suffix == "Mi" || suffix == "Gi" || suffix == "Ki") && n % 1024 != 0;
}

std::optional<quantity> quantity::parse(std::string_view s) {
  if (auto q = parse_plain(s)) return q;
  bool negative = !s.empty() && s[0] == '-';
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  size_t i = 0;
  wide mantissa = 0;
  int scale = 0;  // digits behind the point that are in the mantissa
  bool any = false, lost = false;
  for (; i < s.size() && digit(s[i]); ++i, any = true) mantissa = saturate(mantissa * 10 + (s[i] - '0'));
  if (i < s.size() && s[i] == '.') {
    for (++i; i < s.size() && digit(s[i]); ++i, any = true) {
      if (scale < 18 && mantissa < limit / 10) {
        mantissa = mantissa * 10 + (s[i] - '0');
        ++scale;
      } else if (s[i] != '0') {
        lost = true;
      }
    }
  }
  unit u{};
  if (!any || !read_unit(s.substr(i), u)) return std::nullopt;
  wide v = mantissa;
  int ten = 9 - scale;
  if (u.base == 2) {
    for (int e = u.exponent; e > 0; e -= 10) v = times(v, 1024);
  } else {
    ten += u.exponent;
  }
  for (; ten > 0 && v != 0 && v < limit; --ten) v = times(v, 10);
  for (; ten < 0 && v != 0; ++ten) {
    lost |= v % 10 != 0;
    v /= 10;
  }
  if (lost) v += 1;  // away from zero
  quantity q;
  q.nano_ = negative ? -v : v;
  q.format_ = u.format;
  return q;
}

std::optional<quantity> quantity::from_json(const json::value& v) {
  if (const auto* s = v.if_string()) return parse({s->data(), s->size()});
  if (v.is_int64()) return from_value(v.get_int64());
  if (v.is_uint64()) return parse(std::to_string(v.get_uint64()));
  if (v.is_double()) {
    char out[64];
    auto n = std::snprintf(out, sizeof out, "%.15g", v.get_double());
    return parse({out, static_cast<size_t>(n)});
  }
  return std::nullopt;
}

int64_t quantity::milli() const { return divide_up(nano_, 1'000'000); }
int64_t quantity::value() const { return divide_up(nano_, nano); }

std::string quantity::to_string() const {
  if (nano_ == 0) return "0";
  wide magnitude = nano_ < 0 ? -nano_ : nano_;
  if (format_ == format::binary_si && magnitude >= 1024 * nano && nano_ % nano == 0) {
    wide v = nano_ / nano;
    int e = 0;
    for (; e < 6 && v % 1024 == 0; ++e) v /= 1024;
    static constexpr const char* names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    return digits(v) + names[e];
  }
  wide v = nano_;
  int e = -9;
  for (; e < 18 && v % 1000 == 0; e += 3) v /= 1000;
  if (format_ == format::decimal_exponent) return e == 0 ? digits(v) : digits(v) + "e" + std::to_string(e);
  static constexpr const char* names[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  return digits(v) + names[(e + 9) / 3];
}

quantity& quantity::operator+=(const quantity& x) {
  if (nano_ == 0) format_ = x.format_;
  nano_ += x.nano_;
  if (nano_ > limit) nano_ = limit;
  if (nano_ < -limit) nano_ = -limit;
  return *this;
}

quantity& quantity::operator-=(const quantity& x) {
  quantity y = x;
  y.nano_ = -y.nano_;
  return *this += y;
}

std::optional<int64_t> int_or_percent(const json::value& v, int64_t total, bool round_up) {
  if (v.is_int64()) return v.get_int64();
  if (v.is_uint64()) return static_cast<int64_t>(v.get_uint64());
  const auto* s = v.if_string();
  if (s == nullptr || s->size() < 2 || s->size() > 10 || s->back() != '%') return std::nullopt;
  int64_t percent = 0;
  for (size_t i = 0; i + 1 < s->size(); ++i) {
    if (!digit((*s)[i])) return std::nullopt;
    percent = percent * 10 + ((*s)[i] - '0');
  }
  auto product = static_cast<wide>(percent) * total;
  return static_cast<int64_t>(round_up ? (product + 99) / 100 : product / 100);
}

}  // namespace skerry::kube
