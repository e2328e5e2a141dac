#include "schema/check.hpp"

namespace skerry {
namespace {

bool holds_pointers(capnp::Type t) {
  switch (t.which()) {
    case capnp::schema::Type::TEXT:
    case capnp::schema::Type::DATA:
    case capnp::schema::Type::LIST:
    case capnp::schema::Type::STRUCT:
      return true;
    default:
      return false;
  }
}

void check_value(const capnp::DynamicValue::Reader& value, capnp::Type t) {
  if (t.isStruct()) return check_whole(value.as<capnp::DynamicStruct>());
  if (!t.isList()) return;  // texts and data were checked when they were got
  auto list = value.as<capnp::DynamicList>();
  auto element = t.asList().getElementType();
  if (!holds_pointers(element)) return;
  for (auto e : list) check_value(e, element);
}

void check_field(capnp::DynamicStruct::Reader message, capnp::StructSchema::Field f) {
  auto proto = f.getProto();
  if (proto.isGroup()) return check_whole(message.get(f).as<capnp::DynamicStruct>());
  auto type = f.getType();
  if (holds_pointers(type) && message.has(f)) check_value(message.get(f), type);
}

}  // namespace

void check_whole(capnp::DynamicStruct::Reader message) {
  auto schema = message.getSchema();
  for (auto f : schema.getNonUnionFields()) check_field(message, f);
  KJ_IF_MAYBE (f, message.which()) check_field(message, *f);
}

}  // namespace skerry
