#include "drivers/device/plugin/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::plugin {
namespace {

std::string_view view(skerry_text t) {
  if (t.data == nullptr) return {};
  return {t.data, std::min(t.size, limits::device_text_bytes_max)};
}

/// Does `s` begin with a whole character of UTF-8? Its length, or 0.
size_t character(std::string_view s) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  auto first = byte(0);
  auto length = first < 0x80 ? 1U : first >= 0xc2 && first < 0xe0 ? 2U : first >= 0xe0 && first < 0xf0 ? 3U : 4U;
  if (length == 4 && (first < 0xf0 || first > 0xf4)) return 0;
  if (s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) return 0;
  return length;
}

template <class T>
std::string digits(T v) {
  char out[64];
  auto r = std::to_chars(out, out + sizeof out, v);
  return {out, r.ptr};
}

/// The value as text; false if it is none.
bool take(const skerry_value& v, std::string& out) {
  switch (v.kind) {
    case SKERRY_TEXT:
    case SKERRY_BYTES:
      out = view(v.as.text);
      return true;
    case SKERRY_INTEGER:
      out = digits(v.as.integer);
      return true;
    case SKERRY_REAL:
      out = digits(v.as.real);
      return std::isfinite(v.as.real);
    case SKERRY_BOOLEAN:
      out = v.as.boolean != 0 ? "true" : "false";
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string cleaned(skerry_text text) {
  std::string out;
  for (auto rest = view(text); !rest.empty();) {
    auto length = character(rest);
    if (length == 0)
      out += '?';
    else if (length == 1)
      out += static_cast<unsigned char>(rest[0]) < 0x20 || rest[0] == 0x7f ? ' ' : rest[0];
    else
      out += rest.substr(0, length);
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

ports::point_reading reading_of(const skerry_reading& r) {
  ports::point_reading out;
  out.point = r.point;
  out.age_ms = std::max<int64_t>(r.age_ms, 0);
  out.said = r.said;
  out.why = cleaned(r.why);
  if (r.quality == SKERRY_GOOD) out.state = ports::quality::good;
  if (r.quality == SKERRY_UNCERTAIN) out.state = ports::quality::uncertain;
  if (out.state == ports::quality::bad) {
    if (out.why.empty()) out.why = "the driver does not say why";
  } else if (!take(r.value, out.value.text)) {
    out.state = ports::quality::bad;
    out.value.text.clear();
    out.why = r.value.kind == SKERRY_REAL ? "what came is no number" : "the driver gave a value of no kind";
  }
  return out;
}

caf::error error_of(skerry_status status, skerry_text why) {
  auto text = cleaned(why);
  if (text.empty()) text = "the driver does not say why";
  switch (status) {
    case SKERRY_OK:
      return {};
    case SKERRY_INVALID:
      return make_error(errc::invalid, text);
    case SKERRY_TIMED_OUT:
      return make_error(errc::timed_out, text);
    case SKERRY_TOO_MANY:
      return make_error(errc::too_many, text);
    default:
      return make_error(errc::unavailable, text);
  }
}

}  // namespace skerry::drivers::plugin
