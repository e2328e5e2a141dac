#include <kj/encoding.h>

#include <boost/json/serialize.hpp>

#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "schema/error.hpp"
#include "schema/json.hpp"
#include "tools/skerry/repl/codec.hpp"
#include "tools/skerry/repl/near.hpp"

/// What a JSON value must be to become a message, said before the library would say less about it.
namespace skerry::tools::repl {
namespace {

using capnp::schema::Type;

caf::error wrong(const std::string& where, const std::string& what) {
  return make_error(errc::invalid, (where.empty() ? "" : where + ": ") + what);
}

const char* kind_of(const json::value& v) {
  switch (v.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

caf::error mismatch(const std::string& where, capnp::Type type, const char* wanted, const json::value& v) {
  return wrong(where, name_of(type) + " takes " + wanted + ", not " + kind_of(v));
}

template <class T>
bool holds(const json::value& v) {
  if (const auto* s = v.if_string()) {
    T out = 0;
    auto [end, ec] = std::from_chars(s->data(), s->data() + s->size(), out);
    return sizeof(T) == 8 && ec == std::errc{} && end == s->data() + s->size();
  }
  if (const auto* i = v.if_int64()) return std::in_range<T>(*i);
  if (const auto* u = v.if_uint64()) return std::in_range<T>(*u);
  return false;
}

template <class T>
caf::error check_integer(const std::string& where, capnp::Type type, const json::value& v) {
  if (holds<T>(v)) return {};
  if (!v.is_number() && !(sizeof(T) == 8 && v.is_string())) return mismatch(where, type, "a whole number", v);
  return wrong(where, name_of(type) + " takes a whole number from " + std::to_string(std::numeric_limits<T>::min()) +
                          " to " + std::to_string(std::numeric_limits<T>::max()) + ", not " + json::serialize(v));
}

caf::error check_enum(const std::string& where, capnp::EnumSchema schema, const json::value& v) {
  std::vector<std::string> names;
  std::string list;
  for (auto e : schema.getEnumerants()) {
    names.emplace_back(e.getProto().getName().cStr());
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const auto* s = v.if_string();
  if (s != nullptr && std::find(names.begin(), names.end(), std::string_view{*s}) != names.end()) return {};
  auto given = s != nullptr ? "'" + std::string{*s} + "'" : std::string{kind_of(v)};
  return wrong(where, short_name(schema) + " is one of " + list + ", not " + given +
                          (s != nullptr ? did_you_mean(std::string{*s}, names) : ""));
}

caf::error check_data(const std::string& where, capnp::Type type, const json::value& v) {
  const auto* s = v.if_string();
  if (s == nullptr) return mismatch(where, type, "a string (text, or base64:...)", v);
  if (!s->starts_with("base64:")) return {};
  if (kj::decodeBase64(kj::heapString(s->data() + 7, s->size() - 7).asArray()).hadErrors)
    return wrong(where, "what follows base64: is no base64");
  return {};
}

caf::error check_value(const std::string& where, const json::value& v, capnp::Type type);

caf::error check_struct(const std::string& where, const json::value& v, capnp::StructSchema schema) {
  const auto* object = v.if_object();
  if (object == nullptr) return mismatch(where, schema, "an object", v);
  std::string chosen;  // the member of the union that is given
  std::set<std::string> seen;
  for (const auto& member : *object) {
    std::string name{member.key()};
    auto inner = where.empty() ? name : where + "." + name;
    KJ_IF_MAYBE (field, schema.findFieldByName(name)) {
      if (field->getProto().getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT) {
        if (!chosen.empty()) return wrong(inner, "stands in a union with '" + chosen + "': give one of them");
        chosen = name;
      }
      if (auto e = check_value(inner, member.value(), field->getType())) return e;
    } else {
      std::vector<std::string> names;
      for (auto f : schema.getFields()) names.emplace_back(f.getProto().getName().cStr());
      return wrong(inner, short_name(schema) + " has no such field" + did_you_mean(name, names));
    }
  }
  return {};
}

caf::error check_list(const std::string& where, const json::value& v, capnp::Type type) {
  const auto* array = v.if_array();
  if (array == nullptr) return mismatch(where, type, "an array", v);
  for (size_t i = 0; i < array->size(); ++i)
    if (auto e = check_value(where + "[" + std::to_string(i) + "]", (*array)[i], type.asList().getElementType()))
      return e;
  return {};
}

caf::error check_value(const std::string& where, const json::value& v, capnp::Type type) {
  switch (type.which()) {
    case Type::VOID:
      return v.is_null() ? caf::error{} : mismatch(where, type, "null", v);
    case Type::BOOL:
      return v.is_bool() ? caf::error{} : mismatch(where, type, "true or false", v);
    case Type::INT8:
      return check_integer<int8_t>(where, type, v);
    case Type::INT16:
      return check_integer<int16_t>(where, type, v);
    case Type::INT32:
      return check_integer<int32_t>(where, type, v);
    case Type::INT64:
      return check_integer<int64_t>(where, type, v);
    case Type::UINT8:
      return check_integer<uint8_t>(where, type, v);
    case Type::UINT16:
      return check_integer<uint16_t>(where, type, v);
    case Type::UINT32:
      return check_integer<uint32_t>(where, type, v);
    case Type::UINT64:
      return check_integer<uint64_t>(where, type, v);
    case Type::FLOAT32:
    case Type::FLOAT64:
      return v.is_number() ? caf::error{} : mismatch(where, type, "a number", v);
    case Type::TEXT:
      return v.is_string() ? caf::error{} : mismatch(where, type, "a string", v);
    case Type::DATA:
      return check_data(where, type, v);
    case Type::LIST:
      return check_list(where, v, type);
    case Type::ENUM:
      return check_enum(where, type.asEnum(), v);
    case Type::STRUCT:
      return check_struct(where, v, type.asStruct());
    case Type::INTERFACE:
    case Type::ANY_POINTER:
      return wrong(where, "a field of this type cannot be given as JSON");
  }
  return {};
}

void describe_into(std::string& out, capnp::StructSchema schema, const std::string& indent,
                   std::vector<capnp::StructSchema>& later);

void note_struct(capnp::Type type, std::vector<capnp::StructSchema>& later) {
  while (type.isList()) type = type.asList().getElementType();
  if (!type.isStruct()) return;
  for (const auto& known : later)
    if (known == type.asStruct()) return;
  later.push_back(type.asStruct());
}

void describe_field(std::string& out, capnp::StructSchema::Field f, const std::string& indent,
                    std::vector<capnp::StructSchema>& later) {
  auto type = f.getType();
  out += indent + f.getProto().getName().cStr();
  if (f.getProto().isGroup()) {
    out += ":\n";
    return describe_into(out, type.asStruct(), indent + "  ", later);
  }
  out += " :" + name_of(type);
  if (type.isEnum()) {
    std::string names;
    for (auto e : type.asEnum().getEnumerants())
      names += (names.empty() ? "" : ", ") + std::string{e.getProto().getName().cStr()};
    out += "  (" + names + ")";
  }
  out += "\n";
  note_struct(type, later);
}

void describe_into(std::string& out, capnp::StructSchema schema, const std::string& indent,
                   std::vector<capnp::StructSchema>& later) {
  for (auto f : schema.getNonUnionFields()) describe_field(out, f, indent, later);
  auto members = schema.getUnionFields();
  if (members.size() > 0) out += indent + "one of:\n";
  for (auto f : members) describe_field(out, f, indent + "  ", later);
}

}  // namespace

caf::error check(const json::value& value, capnp::StructSchema schema) {
  try {
    return check_struct({}, value, schema);
  } catch (const kj::Exception& e) {
    return make_error(errc::internal, std::string{"the schema cannot be read: "} + e.getDescription().cStr());
  }
}

std::string short_name(capnp::Schema schema) {
  auto proto = schema.getProto();
  return proto.getDisplayName().slice(proto.getDisplayNamePrefixLength()).cStr();
}

std::string name_of(capnp::Type type) {
  static constexpr const char* names[] = {"Void",   "Bool",   "Int8",   "Int16",   "Int32",   "Int64", "UInt8",
                                          "UInt16", "UInt32", "UInt64", "Float32", "Float64", "Text",  "Data"};
  if (type.isList()) return "List(" + name_of(type.asList().getElementType()) + ")";
  if (type.isStruct()) return short_name(type.asStruct());
  if (type.isEnum()) return short_name(type.asEnum());
  auto i = static_cast<size_t>(type.which());
  return i < std::size(names) ? names[i] : "AnyPointer";
}

std::string describe(capnp::StructSchema schema) {
  std::vector<capnp::StructSchema> todo{schema};
  std::string out;
  for (size_t i = 0; i < todo.size(); ++i) {
    out += (i > 0 ? "\n" : "") + short_name(todo[i]) + "\n";
    describe_into(out, todo[i], "  ", todo);
  }
  return out;
}

}  // namespace skerry::tools::repl
