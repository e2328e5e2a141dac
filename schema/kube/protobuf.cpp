#include "schema/kube/protobuf.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "schema/error.hpp"
#include "schema/limits.hpp"

extern "C" const char skerry_table_protobuf[];
extern "C" const char skerry_table_protobuf_end[];

namespace skerry::kube {
namespace {

struct refused {
  errc code;
  std::string why;
};
[[noreturn]] void malformed(std::string_view where) {
  throw refused{errc::invalid, "malformed protobuf in " + std::string{where}};
}

/// One field on the wire (protobuf encoding guide, "Message Structure").
struct wire_field {
  uint32_t number = 0;
  uint32_t type = 0;  ///< 0 varint, 1 64 bits, 2 bytes, 5 32 bits
  uint64_t integer = 0;
  std::string_view bytes;
  bool zero() const { return type == 2 ? bytes.empty() : integer == 0; }
};

class wire_cursor {
public:
  wire_cursor(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}
  bool next(wire_field& f) {
    if (rest_.empty()) return false;
    auto key = varint();
    f = {};
    f.number = static_cast<uint32_t>(key >> 3);
    f.type = key & 7;
    switch (f.type) {
      case 0:
        f.integer = varint();
        break;
      case 1:
        f.integer = fixed(8);
        break;
      case 2: {
        auto n = varint();
        if (n > rest_.size()) malformed(where_);
        f.bytes = rest_.substr(0, n);
        rest_.remove_prefix(n);
        break;
      }
      case 5:
        f.integer = fixed(4);
        break;
      default:
        malformed(where_);
    }
    return true;
  }
  bool empty() const { return rest_.empty(); }
  uint64_t varint() {
    uint64_t n = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) malformed(where_);
      auto c = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      n |= static_cast<uint64_t>(c & 127) << shift;
      if (c < 128) return n;
    }
    malformed(where_);
  }

private:
  uint64_t fixed(size_t n) {
    if (rest_.size() < n) malformed(where_);
    uint64_t v = 0;
    std::memcpy(&v, rest_.data(), n);
    rest_.remove_prefix(n);
    return v;
  }
  std::string_view rest_, where_;
};

std::string base64(std::string_view bytes) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t v = 0;
    auto n = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) v = v << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += k <= n ? letters[v >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}
/// Optional in Go (a pointer): false, or an empty text, is a value of its own.
bool false_means_something(std::string_view name) {
  return one_of(name, {"automountServiceAccountToken",
                       "enableServiceLinks",
                       "shareProcessNamespace",
                       "runAsNonRoot",
                       "privileged",
                       "readOnlyRootFilesystem",
                       "allowPrivilegeEscalation",
                       "optional",
                       "controller",
                       "blockOwnerDeletion",
                       "immutable",
                       "hostUsers",
                       "setHostnameAsFQDN",
                       "suspend",
                       "orphanDependents",
                       "allocateLoadBalancerNodePorts",
                       "ready",
                       "serving",
                       "terminating",
                       "allowVolumeExpansion",
                       "attachRequired",
                       "podInfoOnMount",
                       "storageCapacity",
                       "requiresRepublish",
                       "seLinuxMount",
                       "started",
                       "ignoreStoreReadErrorWithClusterBreakingPotential"});
}
bool empty_means_something(std::string_view name) {
  return one_of(name, {"storageClassName", "ingressClassName", "volumeAttributesClassName"});
}
/// Plain integers in Go where zero stands for "use the default".
bool zero_is_absent(std::string_view name) {
  return one_of(name, {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
                       "hostPort", "nodePort", "healthCheckNodePort", "generation", "observedGeneration",
                       "minReadySeconds", "count", "port"});
}

json::string text(std::string_view s) { return json::string{s.data(), s.size()}; }

json::value time_value(std::string_view bytes, bool micro) {
  wire_cursor c{bytes, "a time"};
  wire_field f;
  int64_t seconds = 0, nanos = 0;
  while (c.next(f)) (f.number == 1 ? seconds : nanos) = static_cast<int64_t>(f.integer);
  auto out = format_time(seconds * 1000);
  if (!micro) return text(out);
  char fraction[16];
  std::snprintf(fraction, sizeof(fraction), ".%06dZ",
                static_cast<int>(std::clamp<int64_t>(nanos, 0, 999'999'999) / 1000));
  out.pop_back();
  return text(out + fraction);
}

json::value int_or_string(std::string_view bytes) {
  wire_cursor c{bytes, "an IntOrString"};
  wire_field f;
  int64_t type = 0, number = 0;
  std::string_view string;
  while (c.next(f)) {
    if (f.number == 1) type = static_cast<int64_t>(f.integer);
    if (f.number == 2) number = static_cast<int64_t>(f.integer);
    if (f.number == 3) string = f.bytes;
  }
  if (type == 0) return number;
  return text(string);
}

std::string_view first_bytes(std::string_view bytes) {
  wire_cursor c{bytes, "a wrapper"};
  wire_field f;
  std::string_view out;
  while (c.next(f))
    if (f.number == 1 && f.type == 2) out = f.bytes;
  return out;
}

}  // namespace

/// Reads messages into JSON objects by table and types.
class protobuf_reader {
public:
  explicit protobuf_reader(const protobuf_codec& codec) : codec_(codec) {}

  json::object object(const type_info& type, std::string_view bytes, size_t depth) {
    auto m = codec_.messages_.find(type.name);
    if (m == codec_.messages_.end())
      throw refused{errc::unsupported,
                    "this server does not read " + std::string{type.name} + " as protobuf; send JSON"};
    json::object out;
    read(m->second, type, bytes, out, depth);
    return out;
  }

private:
  void read(const protobuf_codec::message& m, const type_info& type, std::string_view bytes, json::object& out,
            size_t depth) {
    if (depth > limits::json_depth_max) throw refused{errc::invalid, "nested too deep in " + std::string{type.name}};
    wire_cursor cursor{bytes, m.name};
    wire_field f;
    while (cursor.next(f)) {
      auto known = m.fields.find(f.number);
      if (known != m.fields.end() && known->second.inlined != nullptr) {
        read(*known->second.inlined, type, f.bytes, out, depth + 1);
        continue;
      }
      const auto* info = known == m.fields.end() ? nullptr : type.find(known->second.name);
      if (info != nullptr) {
        field(*info, f, out, depth);
      } else if (!f.zero()) {
        throw refused{errc::unsupported, "field " + std::to_string(f.number) + " of " + std::string{m.name} +
                                             " is newer than this server's protobuf table; send JSON"};
      }
    }
  }

  void field(const field_info& info, const wire_field& f, json::object& out, size_t depth) {
    json::string_view name{info.name.data(), info.name.size()};
    switch (info.form) {
      case shape::one: {
        auto v = value(info, f, depth);
        if (!absent(info, f, v)) out[name] = std::move(v);
        return;
      }
      case shape::list: {
        auto& list = out[name];
        if (!list.is_array()) list.emplace_array();
        bool number = info.what == wire::int32 || info.what == wire::int64;
        if (!number || f.type != 2) return void(list.get_array().push_back(value(info, f, depth)));
        for (wire_cursor packed{f.bytes, info.name}; !packed.empty();)
          list.get_array().emplace_back(static_cast<int64_t>(packed.varint()));
        return;
      }
      case shape::map:
      case shape::map_of_lists: {
        auto& map = out[name];
        if (!map.is_object()) map.emplace_object();
        wire_cursor entry{f.bytes, info.name};
        wire_field part, item;
        item.type = 2;
        std::string_view key;
        while (entry.next(part)) {
          if (part.number == 1) key = part.bytes;
          if (part.number == 2) item = part;
        }
        json::string_view at{key.data(), key.size()};
        if (info.form == shape::map) return void(map.get_object()[at] = value(info, item, depth));
        json::array items;
        wire_cursor list{item.bytes, info.name};
        while (list.next(part))
          if (part.number == 1) items.push_back(value(info, part, depth));
        map.get_object()[at] = std::move(items);
        return;
      }
    }
  }

  json::value value(const field_info& info, const wire_field& f, size_t depth) {
    switch (info.what) {
      case wire::string:
        return text(f.bytes);
      case wire::bytes:
        return text(base64(f.bytes));
      case wire::boolean:
        return f.integer != 0;
      case wire::int32:
      case wire::int64:
        return static_cast<int64_t>(f.integer);
      case wire::real:
        return std::bit_cast<double>(f.integer);
      case wire::quantity:
        return text(first_bytes(f.bytes));
      case wire::time:
        return time_value(f.bytes, false);
      case wire::microtime:
        return time_value(f.bytes, true);
      case wire::int_or_string:
        return int_or_string(f.bytes);
      case wire::object:
        return object(*info.type, f.bytes, depth + 1);
      case wire::any:
      case wire::any_object: {
        auto raw = first_bytes(f.bytes);
        if (raw.empty()) return nullptr;
        std::string error;
        auto v = parse_json(raw, error);
        if (!error.empty()) throw refused{errc::invalid, std::string{info.name} + " does not hold JSON: " + error};
        return v;
      }
    }
    return nullptr;
  }

  static bool absent(const field_info& info, const wire_field& f, const json::value& v) {
    switch (info.what) {
      case wire::string:
        return f.bytes.empty() && !empty_means_something(info.name);
      case wire::bytes:
      case wire::time:
      case wire::microtime:
        return f.bytes.empty();
      case wire::boolean:
        return f.integer == 0 && !false_means_something(info.name);
      case wire::int32:
      case wire::int64:
        return f.integer == 0 && zero_is_absent(info.name);
      case wire::quantity:
        return v.get_string().empty();
      case wire::int_or_string:
        return info.name == "targetPort" && (v.is_int64() ? v.get_int64() == 0 : v.get_string().empty());
      case wire::any:
      case wire::any_object:
        return v.is_null();
      default:
        return false;
    }
  }

  const protobuf_codec& codec_;
};

protobuf_codec::protobuf_codec(const registry& r) : registry_(r) {
  std::string_view table{skerry_table_protobuf, static_cast<size_t>(skerry_table_protobuf_end - skerry_table_protobuf)};
  message* current = nullptr;
  size_t line_number = 0;
  while (!table.empty()) {
    auto line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    ++line_number;
    if (line.empty() || line[0] == '#') continue;
    if (line[0] != '\t') {
      current = &messages_[line];
      current->name = line;
      continue;
    }
    uint32_t number = 0;
    auto tab = line.find('\t', 1);
    auto [end, e] = std::from_chars(line.data() + 1, line.data() + std::min(tab, line.size()), number);
    if (tab == std::string_view::npos || e != std::errc{} || current == nullptr)
      throw std::runtime_error{"protobuf.tsv, line " + std::to_string(line_number) + ": not a number and a field"};
    auto name = line.substr(tab + 1);
    // References into an unordered_map stay as it grows.
    if (name.starts_with('*'))
      current->fields[number] = {name, &messages_[name.substr(1)]};
    else
      current->fields[number] = {name, nullptr};
  }
}

caf::expected<json::value> protobuf_codec::decode(std::string_view bytes) const {
  using namespace std::literals;
  if (!bytes.starts_with("k8s\0"sv))
    return make_error(errc::invalid, "the body does not begin with Kubernetes' protobuf prefix");
  try {
    wire_cursor envelope{bytes.substr(4), "runtime.Unknown"};
    wire_field f;
    std::string_view version, kind, raw;
    while (envelope.next(f)) {
      if (f.number == 1) {
        wire_cursor meta{f.bytes, "runtime.TypeMeta"};
        for (wire_field g; meta.next(g);) (g.number == 1 ? version : kind) = g.bytes;
      } else if (f.number == 2) {
        raw = f.bytes;
      } else if (f.number == 3 && !f.bytes.empty()) {
        return make_error(errc::unsupported, "the protobuf envelope is encoded as " + std::string{f.bytes});
      }
    }
    const type_info* type = nullptr;
    if (kind == "DeleteOptions") {
      type = registry_.find_type("meta.v1.DeleteOptions");
    } else {
      auto slash = version.find('/');
      auto group = slash == std::string_view::npos ? std::string_view{"core"}
                                                   : version.substr(0, std::min(slash, version.find('.')));
      auto v = slash == std::string_view::npos ? version : version.substr(slash + 1);
      type = registry_.find_type(std::string{group} + "." + std::string{v} + "." + std::string{kind});
    }
    if (type == nullptr)
      return make_error(errc::unsupported,
                        "this server does not know kind " + std::string{kind} + " of " + std::string{version});
    auto out = protobuf_reader{*this}.object(*type, raw, 0);
    out["apiVersion"] = text(version);
    out["kind"] = text(kind);
    return json::value(std::move(out));
  } catch (const refused& e) {
    return make_error(e.code, e.why);
  }
}

}  // namespace skerry::kube
