#include "drivers/device/opcua/values.hpp"

#include <open62541/types_generated.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "drivers/device/plugin/skerry_driver.h"

namespace skerry::drivers::opcua {
namespace {

std::string text_of(const UA_String& s) {
  return s.data == nullptr ? std::string{} : std::string{reinterpret_cast<const char*>(s.data), s.length};
}

template <class T>
std::string number(const void* data) {
  char out[64];
  auto r = std::to_chars(out, out + sizeof out, *static_cast<const T*>(data));
  return {out, r.ptr};
}

std::string time_text(UA_DateTime t) {
  auto d = UA_DateTime_toStruct(t);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", d.year, d.month, d.day, d.hour, d.min, d.sec,
                d.milliSec);
  return out;
}

/// The text of a scalar; false for a type that is no value of a property.
bool take(const UA_DataType& type, const void* data, seen& out) {
  switch (type.typeKind) {
    case UA_DATATYPEKIND_BOOLEAN:
      out.text = *static_cast<const UA_Boolean*>(data) ? "true" : "false";
      return true;
    case UA_DATATYPEKIND_SBYTE:
      out.text = std::to_string(*static_cast<const UA_SByte*>(data));
      return true;
    case UA_DATATYPEKIND_BYTE:
      out.text = std::to_string(*static_cast<const UA_Byte*>(data));
      return true;
    case UA_DATATYPEKIND_INT16:
      out.text = number<UA_Int16>(data);
      return true;
    case UA_DATATYPEKIND_UINT16:
      out.text = number<UA_UInt16>(data);
      return true;
    case UA_DATATYPEKIND_INT32:
    case UA_DATATYPEKIND_ENUM:
      out.text = number<UA_Int32>(data);
      return true;
    case UA_DATATYPEKIND_UINT32:
    case UA_DATATYPEKIND_STATUSCODE:
      out.text = number<UA_UInt32>(data);
      return true;
    case UA_DATATYPEKIND_INT64:
      out.text = number<UA_Int64>(data);
      return true;
    case UA_DATATYPEKIND_UINT64:
      out.text = number<UA_UInt64>(data);
      return true;
    case UA_DATATYPEKIND_FLOAT:
      out.text = number<UA_Float>(data);
      return true;
    case UA_DATATYPEKIND_DOUBLE:
      out.text = number<UA_Double>(data);
      return true;
    case UA_DATATYPEKIND_STRING:
    case UA_DATATYPEKIND_XMLELEMENT:
      out.text = text_of(*static_cast<const UA_String*>(data));
      return true;
    case UA_DATATYPEKIND_LOCALIZEDTEXT:
      out.text = text_of(static_cast<const UA_LocalizedText*>(data)->text);
      return true;
    case UA_DATATYPEKIND_BYTESTRING:
      out.text = text_of(*static_cast<const UA_ByteString*>(data));
      out.bytes = true;
      return true;
    case UA_DATATYPEKIND_DATETIME:
      out.text = time_text(*static_cast<const UA_DateTime*>(data));
      return true;
    default:
      return false;
  }
}

seen bad(std::string why, const UA_DataType* type = nullptr) { return {SKERRY_BAD, std::move(why), {}, false, type}; }

template <class T>
bool set_number(const std::string& text, const UA_DataType* type, UA_Variant& out) {
  T v{};
  const char* end = text.data() + text.size();
  auto r = std::from_chars(text.data(), end, v);
  if constexpr (std::is_integral_v<T>) {
    // "42.0" is 42, as scale and offset leave it.
    double real = 0;
    if (r.ec != std::errc{} || r.ptr != end) {
      auto again = std::from_chars(text.data(), end, real);
      if (again.ec != std::errc{} || again.ptr != end || std::trunc(real) != real) return false;
      if (real < static_cast<double>(std::numeric_limits<T>::min()) ||
          real >= std::ldexp(1.0, std::numeric_limits<T>::digits))
        return false;
      v = static_cast<T>(real);
    }
  } else if (r.ec != std::errc{} || r.ptr != end || !std::isfinite(v)) {
    return false;
  }
  return UA_Variant_setScalarCopy(&out, &v, type) == UA_STATUSCODE_GOOD;
}

}  // namespace

std::string name_of(UA_StatusCode status) { return UA_StatusCode_name(status); }

seen seen_of(const UA_DataValue& v) {
  auto status = v.hasStatus ? v.status : UA_STATUSCODE_GOOD;
  if (UA_StatusCode_isBad(status)) return bad(name_of(status));
  if (!v.hasValue || v.value.type == nullptr) return bad("the variable has no value");
  if (!UA_Variant_isScalar(&v.value))
    return bad("the variable is an array, which is no value of a property", v.value.type);
  seen out{SKERRY_GOOD, {}, {}, false, v.value.type};
  if (!take(*v.value.type, v.value.data, out))
    return bad(std::string{"the variable is a "} + v.value.type->typeName + ", which is no value of a property",
               v.value.type);
  if (UA_StatusCode_isUncertain(status)) {
    out.quality = SKERRY_UNCERTAIN;
    out.why = name_of(status);
  }
  return out;
}

bool make_value(const std::string& text, const UA_DataType* type, UA_Variant& out) {
  switch (type->typeKind) {
    case UA_DATATYPEKIND_BOOLEAN: {
      if (text != "true" && text != "1" && text != "false" && text != "0") return false;
      UA_Boolean b = text == "true" || text == "1";
      return UA_Variant_setScalarCopy(&out, &b, type) == UA_STATUSCODE_GOOD;
    }
    case UA_DATATYPEKIND_SBYTE:
      return set_number<UA_SByte>(text, type, out);
    case UA_DATATYPEKIND_BYTE:
      return set_number<UA_Byte>(text, type, out);
    case UA_DATATYPEKIND_INT16:
      return set_number<UA_Int16>(text, type, out);
    case UA_DATATYPEKIND_UINT16:
      return set_number<UA_UInt16>(text, type, out);
    case UA_DATATYPEKIND_INT32:
    case UA_DATATYPEKIND_ENUM:
      return set_number<UA_Int32>(text, type, out);
    case UA_DATATYPEKIND_UINT32:
      return set_number<UA_UInt32>(text, type, out);
    case UA_DATATYPEKIND_INT64:
      return set_number<UA_Int64>(text, type, out);
    case UA_DATATYPEKIND_UINT64:
      return set_number<UA_UInt64>(text, type, out);
    case UA_DATATYPEKIND_FLOAT:
      return set_number<UA_Float>(text, type, out);
    case UA_DATATYPEKIND_DOUBLE:
      return set_number<UA_Double>(text, type, out);
    case UA_DATATYPEKIND_STRING:
    case UA_DATATYPEKIND_LOCALIZEDTEXT: {
      UA_LocalizedText t{};
      t.text.data = reinterpret_cast<UA_Byte*>(const_cast<char*>(text.data()));
      t.text.length = text.size();
      const void* value = &t;
      if (type->typeKind == UA_DATATYPEKIND_STRING) value = &t.text;
      return UA_Variant_setScalarCopy(&out, value, type) == UA_STATUSCODE_GOOD;
    }
    default:
      return false;
  }
}

}  // namespace skerry::drivers::opcua
