#include "schema/kube/decode.hpp"

#include "schema/kube/quantity.hpp"
#include "schema/kube/step.hpp"
#include "schema/kube/value.hpp"

namespace skerry::kube {
namespace {

std::string_view kind_name(const json::value& v) {
  switch (v.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
    default:
      return "number";
  }
}

std::string_view name_of(const field_info& f) {
  static constexpr std::string_view names[] = {"string", "bytes",    "boolean", "int32",     "int64",
                                               "double", "quantity", "time",    "microtime", "int-or-string",
                                               "any",    "object",   "object"};
  return names[static_cast<size_t>(f.what)];
}

/// "2026-11-23T10:00:00Z" as it is kept; `micro` with six more digits.
bool canonical_time(std::string_view s, bool micro) {
  std::string_view pattern = micro ? "dddd-dd-ddTdd:dd:dd.ddddddZ" : "dddd-dd-ddTdd:dd:ddZ";
  if (s.size() != pattern.size()) return false;
  for (size_t i = 0; i < s.size(); ++i)
    if (pattern[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != pattern[i]) return false;
  return true;
}

/// True if `s` is base64 with padding once line breaks are out, which go; Go's decoder skips them too.
bool check_base64(json::string& s) {
  if (s.find_first_of("\r\n") != json::string::npos) {
    auto end = std::remove_if(s.begin(), s.end(), [](char c) { return c == '\r' || c == '\n'; });
    s.resize(static_cast<size_t>(end - s.begin()));
  }
  if (s.size() % 4 != 0) return false;
  size_t n = s.size();
  for (size_t pad = 0; pad < 2 && n > 0 && s[n - 1] == '='; ++pad) --n;
  for (size_t i = 0; i < n; ++i) {
    char c = s[i];
    if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '+' && c != '/') return false;
  }
  return true;
}

class walker {
public:
  walker(const decode_options& options, decode_report& report) : options_(options), report_(report) {}

  bool object(const type_info& type, json::value& v, const step& at) {
    auto* o = v.if_object();
    if (o == nullptr) return fail(at, "expected object, got ", kind_name(v));
    // A type without fields takes any value of its kind (apiextensions.v1.JSON).
    if (type.fields.empty()) return true;
    size_t dropped = 0;
    for (auto& kv : *o) {
      step here{&at, kv.key()};
      const auto* f = type.find(kv.key());
      if (f == nullptr) {
        if (report_.unknown.size() < options_.unknown_max) report_.unknown.push_back(here.path());
        if (!options_.prune_unknown) continue;
        kv.value() = nullptr;
      }
      if (kv.value().is_null()) {
        ++dropped;
        continue;
      }
      if (!field(*f, kv.value(), here)) return false;
    }
    if (dropped > 0) drop(type, *o);
    return true;
  }

private:
  bool field(const field_info& f, json::value& v, const step& at) {
    switch (f.form) {
      case shape::one:
        return single(f, v, at);
      case shape::list:
        return list(f, v, at);
      default:
        break;
    }
    auto* o = v.if_object();
    if (o == nullptr) return fail(at, "expected map, got ", kind_name(v));
    for (auto& kv : *o) {
      step here{&at, kv.key()};
      if (!(f.form == shape::map ? single(f, kv.value(), here) : list(f, kv.value(), here))) return false;
    }
    return true;
  }

  bool list(const field_info& f, json::value& v, const step& at) {
    auto* a = v.if_array();
    if (a == nullptr) return fail(at, "expected array, got ", kind_name(v));
    for (size_t i = 0; i < a->size(); ++i)
      if (!single(f, (*a)[i], step{&at, {}, i})) return false;
    return true;
  }

  bool single(const field_info& f, json::value& v, const step& at) {
    switch (f.what) {
      case wire::object:
        return object(*f.type, v, at);
      case wire::any:
        return true;
      case wire::string:
        // In a list or a map null is Go's empty string (`key:` in YAML).
        if (v.is_null()) v.emplace_string();
        return v.is_string() || wrong(f, v, at);
      case wire::boolean:
        return v.is_bool() || wrong(f, v, at);
      case wire::int32:
        return whole(v, INT32_MIN, INT32_MAX) || wrong(f, v, at);
      case wire::int64:
        return whole(v, INT64_MIN, INT64_MAX) || wrong(f, v, at);
      case wire::real:
        return v.is_number() || wrong(f, v, at);
      case wire::int_or_string:
        return v.is_string() || whole(v, INT32_MIN, INT32_MAX) || wrong(f, v, at);
      case wire::any_object:
        return v.is_object() || wrong(f, v, at);
      case wire::bytes:
        if (v.is_null()) v.emplace_string();
        if (!v.is_string()) return wrong(f, v, at);
        return check_base64(v.get_string()) || fail(at, "illegal base64 data", "");
      case wire::quantity:
        return amount(v, at);
      case wire::time:
        return instant(v, at, false);
      case wire::microtime:
        return instant(v, at, true);
    }
    return true;
  }

  /// True if `v` is a whole number in these bounds; a double such as 3.0 becomes an integer.
  static bool whole(json::value& v, int64_t min, int64_t max) {
    if (v.is_double()) {
      auto d = v.get_double();
      if (!(d >= -9.0e15 && d <= 9.0e15) || d != static_cast<double>(static_cast<int64_t>(d))) return false;
      v = static_cast<int64_t>(d);
    }
    if (v.is_uint64() && v.get_uint64() <= static_cast<uint64_t>(INT64_MAX)) v = static_cast<int64_t>(v.get_uint64());
    return v.is_int64() && v.get_int64() >= min && v.get_int64() <= max;
  }

  bool amount(json::value& v, const step& at) {
    if (v.is_string() && quantity::plainly_canonical(text(v.get_string()))) return true;
    auto q = quantity::from_json(v);
    if (!q) {
      if (!v.is_string()) return fail(at, "expected quantity, got ", kind_name(v));
      return fail(at,
                  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', got ",
                  text(v.get_string()));
    }
    auto canonical = q->to_string();
    if (!v.is_string() || text(v.get_string()) != canonical) v = json::string{canonical, v.storage()};
    return true;
  }

  bool instant(json::value& v, const step& at, bool micro) {
    auto* s = v.if_string();
    if (s == nullptr) return fail(at, "expected time, got ", kind_name(v));
    if (canonical_time(text(*s), micro)) {
      // The shape is right; the calendar is parse_time's to judge.
      return parse_time(text(*s)).has_value() || fail(at, "not a time as RFC 3339 has it: ", text(*s));
    }
    auto t = parse_time(text(*s));
    if (!t) return fail(at, "not a time as RFC 3339 has it (2026-11-23T10:00:00Z): ", text(*s));
    *s = micro ? format_micro_time(*t) : format_time(*t);
    return true;
  }

  /// Takes out what is null: Kubernetes reads it as absent.
  void drop(const type_info& type, json::object& o) {
    std::vector<std::string> keys;
    for (auto& kv : o)
      if (kv.value().is_null() && (options_.prune_unknown || type.find(kv.key()) != nullptr))
        keys.emplace_back(kv.key());
    for (const auto& k : keys) remove(o, k);
  }

  bool wrong(const field_info& f, const json::value& v, const step& at) {
    std::string what = "expected " + std::string{name_of(f)} + ", got ";
    if (v.is_number() && (f.what == wire::int32 || f.what == wire::int64))
      return fail(at, what, "number out of range or not whole");
    return fail(at, what, kind_name(v));
  }

  bool fail(const step& at, std::string_view what, std::string_view got) {
    report_.error = at.path();
    if (!report_.error.empty()) report_.error += ": ";
    report_.error += what;
    report_.error += got.substr(0, 256);
    return false;
  }

  const decode_options& options_;
  decode_report& report_;
};

}  // namespace

decode_report decode(const type_info& type, json::value& value, const decode_options& options, std::string_view path) {
  decode_report report;
  walker{options, report}.object(type, value, step{nullptr, path});
  return report;
}

decode_report decode(const resource_info& info, json::value& value, const decode_options& options) {
  if (const auto* o = value.if_object()) {
    auto kind = text_in(*o, "kind");
    auto version = text_in(*o, "apiVersion");
    decode_report report;
    if (!version.empty() && version != info.api_version) {
      report.error = "the API version in the data (" + std::string{version} +
                     ") does not match the expected API version (" + info.api_version + ")";
      return report;
    }
    if (!kind.empty() && kind != info.kind) {
      report.error = std::string{kind} + " in version \"" + std::string{info.version} + "\" cannot be handled as a " +
                     std::string{info.kind};
      return report;
    }
  }
  return decode(*info.type, value, options);
}

std::vector<std::string> strict_messages(const decode_report& report, const std::vector<std::string>& duplicates) {
  std::vector<std::string> out;
  for (const auto& p : duplicates) out.push_back("duplicate field \"" + p + "\"");
  for (const auto& p : report.unknown) out.push_back("unknown field \"" + p + "\"");
  return out;
}

}  // namespace skerry::kube
