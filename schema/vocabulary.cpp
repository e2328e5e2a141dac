#include "schema/vocabulary.hpp"

#include "schema/check.hpp"
#include "schema/delivery.capnp.h"
#include "schema/limits.hpp"
#include "schema/objects.capnp.h"
#include "schema/pods.capnp.h"
#include "schema/probe.capnp.h"
#include "schema/telemetry.capnp.h"
#include "schema/twin.capnp.h"

namespace skerry {
namespace {

// The ids of the annotations, as they stand in schema/delivery.capnp.
constexpr uint64_t durable_id = 0xba60e34a354d992c;
constexpr uint64_t latest_id = 0xf4c157bd0063baea;
constexpr uint64_t fleeting_id = 0xae86bba7a2467e23;
constexpr uint64_t priority_id = 0xe0fab058f76b0e4c;

delivery::queue queue_of(uint16_t value, delivery::kind how) {
  switch (static_cast<schema::Priority>(value)) {
    case schema::Priority::STATE:
      return delivery::queue::state;
    case schema::Priority::FACT:
      return delivery::queue::fact;
    case schema::Priority::BULK:
      return delivery::queue::bulk;
    default:
      return how == delivery::kind::durable ? delivery::queue::fact : delivery::queue::state;
  }
}

std::string short_name(capnp::StructSchema schema) {
  auto proto = schema.getProto();
  std::string full = proto.getDisplayName();
  return full.substr(proto.getDisplayNamePrefixLength());
}

template <class N>
std::string number_bytes(N n) {
  return {reinterpret_cast<const char*>(&n), sizeof n};
}

}  // namespace

delivery delivery_of(const capnp::StructSchema& schema) {
  delivery out;
  uint16_t priority = 0;
  for (auto a : schema.getProto().getAnnotations()) {
    switch (a.getId()) {
      case durable_id:
        out.how = delivery::kind::durable;
        break;
      case latest_id: {
        out.how = delivery::kind::latest;
        auto t = a.getValue().getText();
        out.key_field.assign(t.begin(), t.size());
        break;
      }
      case fleeting_id:
        out.how = delivery::kind::fleeting;
        out.ttl_ms = a.getValue().getUint32();
        break;
      case priority_id:
        priority = a.getValue().getEnum();
        break;
      default:
        break;
    }
  }
  out.priority = queue_of(priority, out.how);
  return out;
}

caf::error check_bytes(std::span<const std::byte> bytes, capnp::StructSchema schema) {
  constexpr uint64_t hostile_factor = 8;
  if (bytes.size() > limits::letter_bytes_max)
    return make_error(errc::too_large, "a message of " + std::to_string(bytes.size()) + " bytes; at most " +
                                           std::to_string(limits::letter_bytes_max) + " are allowed");
  auto words = bytes.size() / sizeof(capnp::word);
  if (words == 0 || bytes.size() % sizeof(capnp::word) != 0)
    return make_error(errc::corrupt, "message of " + std::to_string(bytes.size()) + " bytes is not whole words");
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = words * hostile_factor + 64;
    options.nestingLimit = 32;
    capnp::FlatArrayMessageReader reader{{reinterpret_cast<const capnp::word*>(bytes.data()), words}, options};
    check_whole(reader.getRoot<capnp::DynamicStruct>(schema));
    return {};
  } catch (const kj::Exception& e) {
    return make_error(errc::corrupt, std::string{"message does not check: "} + e.getDescription().cStr());
  }
}

message_type::message_type(capnp::StructSchema schema, const std::type_info& letter_type)
    : id_(schema.getProto().getId()),
      name_(short_name(schema)),
      schema_(schema),
      letter_type_(letter_type),
      delivery_(delivery_of(schema)) {
  if (delivery_.key_field.empty()) return;
  KJ_IF_MAYBE (f, schema.findFieldByName(delivery_.key_field)) key_ = *f;
  if (!key_) throw std::logic_error(name_ + ": $latest names the field " + delivery_.key_field + ", which it has not");
}

std::string message_type::key_of(const caf::type_erased_tuple& content) const {
  if (!key_) return {};
  auto value = read(content).get(*key_);
  switch (value.getType()) {
    case capnp::DynamicValue::TEXT: {
      auto t = value.as<capnp::Text>();
      return {t.begin(), t.size()};
    }
    case capnp::DynamicValue::DATA: {
      auto d = value.as<capnp::Data>();
      return {reinterpret_cast<const char*>(d.begin()), d.size()};
    }
    case capnp::DynamicValue::UINT:
      return number_bytes(value.as<uint64_t>());
    case capnp::DynamicValue::INT:
      return number_bytes(value.as<int64_t>());
    case capnp::DynamicValue::BOOL:
      return number_bytes(value.as<bool>());
    case capnp::DynamicValue::ENUM:
      return number_bytes(value.as<capnp::DynamicEnum>().getRaw());
    default:
      return {};
  }
}

const message_type* vocabulary::find(uint64_t id) const {
  auto i = by_id_.find(id);
  return i == by_id_.end() ? nullptr : i->second;
}

const message_type* vocabulary::find(std::string_view name) const {
  auto i = by_name_.find(name);
  return i == by_name_.end() ? nullptr : i->second;
}

const message_type* vocabulary::of(const caf::type_erased_tuple& content) const {
  if (content.size() != 1) return nullptr;
  const auto* type = content.type(0).second;
  if (type == nullptr) return nullptr;
  if (auto i = by_type_.find(type); i != by_type_.end()) return i->second;
  for (const auto& t : types_)  // the same type, seen from another shared object
    if (t->letter_type() == *type) return t.get();
  return nullptr;
}

std::vector<const message_type*> vocabulary::all() const {
  std::vector<const message_type*> out;
  for (const auto& [name, t] : by_name_) out.push_back(t);
  return out;
}

void vocabulary::insert(std::unique_ptr<message_type> t) {
  if (by_id_.count(t->id()) != 0) return;
  if (by_name_.count(t->name()) != 0) throw std::logic_error("two messages are called " + t->name());
  by_id_[t->id()] = t.get();
  by_type_[&t->letter_type()] = t.get();
  by_name_[t->name()] = t.get();
  types_.push_back(std::move(t));
}

void add_standard(vocabulary& words) {
  words.add<schema::Probe>();
  words.add<schema::ProbeState>();
  words.add<schema::ProbeFact>();
  words.add<schema::ProbeBulk>();
  words.add<schema::ProbePing>();
  words.add<schema::ProbePong>();
  words.add<schema::ObjectCall>();
  words.add<schema::ObjectAnswer>();
  words.add<schema::OpenFeed>();
  words.add<schema::FeedOpened>();
  words.add<schema::NextObjects>();
  words.add<schema::ObjectBatch>();
  words.add<schema::AskPod>();
  words.add<schema::PodView>();
  words.add<schema::AskTwin>();
  words.add<schema::TwinView>();
  words.add<schema::PutSamples>();
  words.add<schema::SamplesKept>();
  words.add<schema::AskSamples>();
  words.add<schema::SamplesAnswer>();
}

}  // namespace skerry
