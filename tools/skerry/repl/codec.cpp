#include "tools/skerry/repl/codec.hpp"

#include <capnp/compat/json.h>
#include <capnp/serialize.h>
#include <kj/encoding.h>

#include <boost/json/serialize.hpp>
#include <charconv>

#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::tools::repl {
namespace {

constexpr std::string_view base64_mark = "base64:";
constexpr double exact_max = 1e15;  ///< beyond it the library's text of a double is no plain integer
constexpr int nesting_max = 32;

std::string text_of(kj::StringPtr s) { return {s.begin(), s.size()}; }

template <class T>
class wide_integer final : public capnp::JsonCodec::Handler<T> {
public:
  void encode(const capnp::JsonCodec&, T in, capnp::JsonValue::Builder out) const override {
    auto d = static_cast<double>(in);
    if (d > -exact_max && d < exact_max)
      out.setNumber(d);
    else
      out.setString(kj::str(in));
  }
  T decode(const capnp::JsonCodec&, capnp::JsonValue::Reader in) const override {
    if (in.isNumber()) return static_cast<T>(in.getNumber());
    auto s = in.getString();
    T out = 0;
    std::from_chars(s.begin(), s.end(), out);
    return out;
  }
};

/// UTF-8 without control characters but tab and line ends.
bool is_text(capnp::Data::Reader data) {
  size_t more = 0;
  for (auto c : data) {
    if (more > 0) {
      if ((c & 0xc0) != 0x80) return false;
      --more;
    } else if (c >= 0x80) {
      more = (c & 0xe0) == 0xc0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : (c & 0xf8) == 0xf0 ? 3 : 0;
      if (more == 0) return false;
    } else if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
      return false;
    }
  }
  return more == 0;
}

class data_as_text final : public capnp::JsonCodec::Handler<capnp::Data> {
public:
  void encode(const capnp::JsonCodec&, capnp::Data::Reader in, capnp::JsonValue::Builder out) const override {
    if (is_text(in))
      out.setString(kj::heapString(in.asChars()));
    else
      out.setString(kj::str(base64_mark.data(), kj::encodeBase64(in)));
  }
  capnp::Orphan<capnp::Data> decode(const capnp::JsonCodec&, capnp::JsonValue::Reader in,
                                    capnp::Orphanage orphanage) const override {
    kj::StringPtr s = in.getString();
    if (!s.startsWith(base64_mark.data())) return orphanage.newOrphanCopy(capnp::Data::Reader{s.asBytes()});
    auto bytes = kj::decodeBase64(s.slice(base64_mark.size()).asArray());
    return orphanage.newOrphanCopy(capnp::Data::Reader{bytes});
  }
};

/// Integers that a double does not hold become strings, which the library reads in full.
void keep_wide(json::value& v) {
  constexpr int64_t most = 1LL << 53;
  if (auto* object = v.if_object())
    for (auto& member : *object) keep_wide(member.value());
  if (auto* array = v.if_array())
    for (auto& element : *array) keep_wide(element);
  auto i = v.is_int64() ? v.get_int64() : 0;
  if (v.is_uint64() || i > most || i < -most) v = json::serialize(v);
}

}  // namespace

struct codec::parts {
  wide_integer<int64_t> wide;
  wide_integer<uint64_t> wide_unsigned;
  data_as_text data;
  capnp::JsonCodec full, terse;
};

codec::codec() : parts_(std::make_unique<parts>()) {
  for (auto* c : {&parts_->full, &parts_->terse}) {
    c->addTypeHandler(parts_->wide);
    c->addTypeHandler(parts_->wide_unsigned);
    c->addTypeHandler(parts_->data);
    c->setRejectUnknownFields(true);
    c->setMaxNestingDepth(nesting_max);
  }
  parts_->terse.setHasMode(capnp::HasMode::NON_DEFAULT);
}

codec::~codec() = default;

caf::error codec::decode(std::string_view text, capnp::DynamicStruct::Builder out) const {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  std::string error;
  auto value = parse_json(text, error);
  if (!error.empty()) return make_error(errc::invalid, "the JSON does not parse: " + error);
  if (auto e = check(value, out.getSchema())) return e;
  try {
    keep_wide(value);
    auto plain = json::serialize(value);
    parts_->full.decode(kj::ArrayPtr<const char>{plain.data(), plain.size()}, out);
  } catch (const kj::Exception& e) {
    return make_error(errc::invalid, "the JSON does not fit: " + text_of(e.getDescription()));
  }
  return {};
}

caf::expected<json::value> codec::encode(capnp::DynamicStruct::Reader in, bool terse) const {
  try {
    auto text = (terse ? parts_->terse : parts_->full).encode(in);
    std::string error;
    auto value = parse_json(std::string_view{text.begin(), text.size()}, error);
    if (!error.empty()) return make_error(errc::corrupt, "the message is no JSON: " + error);
    return value;
  } catch (const kj::Exception& e) {
    return make_error(errc::corrupt, "the message cannot be read: " + text_of(e.getDescription()));
  }
}

caf::expected<json::value> codec::encode(std::span<const std::byte> bytes, capnp::StructSchema schema,
                                         bool terse) const {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
    return make_error(errc::corrupt, "a message of " + std::to_string(bytes.size()) + " bytes is not whole words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(words.begin()));
  try {
    capnp::ReaderOptions bounds;
    bounds.traversalLimitInWords = words.size() * 8 + 1024;
    bounds.nestingLimit = nesting_max;
    capnp::FlatArrayMessageReader reader{words, bounds};
    return encode(reader.getRoot<capnp::DynamicStruct>(schema), terse);
  } catch (const kj::Exception& e) {
    return make_error(errc::corrupt, "the message cannot be read: " + text_of(e.getDescription()));
  }
}

}  // namespace skerry::tools::repl
