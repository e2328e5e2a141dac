#pragma once
#include <capnp/dynamic.h>

#include <boost/json/value.hpp>
#include <caf/expected.hpp>
#include <memory>
#include <span>
#include <string>

namespace skerry::tools::repl {

/// JSON <-> any message of the schema, by Cap'n Proto's reflection. The mapping is that of the library
/// (capnp/compat/json.h), with two things of our own: an integer of 64 bits is a number while a double holds it exactly
/// (and a string beyond), and `Data` is a string: as it is where it is printable UTF-8, else "base64:...".
class codec {
public:
  codec();
  ~codec();
  codec(const codec&) = delete;
  codec& operator=(const codec&) = delete;

  /// Fills `out` from a JSON object; empty text counts as {}. Errors: errc::invalid, which name the field by its path
  /// in the object, what is expected there, and what is near a wrong name: "spec.leevls: AskTree has no such field; did
  /// you mean 'levels'?".
  caf::error decode(std::string_view text, capnp::DynamicStruct::Builder out) const;

  /// The message as JSON. Primitive fields stand there even at their defaults, unless `terse`; pointers that were never
  /// set do not. Errors: errc::corrupt when reading breaks a bound of the message.
  caf::expected<boost::json::value> encode(capnp::DynamicStruct::Reader in, bool terse = false) const;
  /// The same for a whole message in the flat stream format, whose root is a `schema`.
  caf::expected<boost::json::value> encode(std::span<const std::byte> bytes, capnp::StructSchema schema,
                                           bool terse = false) const;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

/// Checks that `value` can become a `schema`, as codec::decode does first. Pure.
caf::error check(const boost::json::value& value, capnp::StructSchema schema);

/// The fields of a message, one a line: "path :Text"; members of a union follow "one of:"; structs are named, and
/// described once each below.
std::string describe(capnp::StructSchema schema);
/// How a schema writes a type: "UInt16", "List(Entry)", "Text".
std::string name_of(capnp::Type type);
/// The name of a struct or enum without its file: "AskTree".
std::string short_name(capnp::Schema schema);

}  // namespace skerry::tools::repl
