// Golden files: one for each message of the vocabulary and each frame of the link, with every field set, as the version
// that first had it wrote it. A file is never changed: it stands for what older islands send. To add one for a new
// message: run this test with SKERRY_WRITE_GOLDEN=1, which writes what is missing.
#include <capnp/dynamic.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "schema/check.hpp"
#include "schema/link.capnp.h"
#include "schema/object.capnp.h"
#include "schema/twin.capnp.h"
#include "schema/vocabulary.hpp"
#include "supervisors/inspector.hpp"

using namespace skerry;

namespace {

constexpr int depth_max = 4;

void fill(capnp::DynamicStruct::Builder b, int depth);

uint64_t number_of(capnp::StructSchema::Field f) { return 1 + f.getIndex(); }

void fill_list(capnp::DynamicList::Builder list, capnp::Type element, uint64_t number, int depth) {
  for (unsigned i = 0; i < list.size(); ++i) {
    if (element.isStruct())
      fill(list[i].as<capnp::DynamicStruct>(), depth + 1);
    else if (element.isText())
      list.set(i, "item");
    else if (!element.isList() && !element.isData())
      list.set(i, number + i);
  }
}

void fill_field(capnp::DynamicStruct::Builder b, capnp::StructSchema::Field f, int depth) {
  auto t = f.getType();
  if (f.getProto().isGroup()) return fill(b.init(f).as<capnp::DynamicStruct>(), depth + 1);
  switch (t.which()) {
    case capnp::schema::Type::BOOL:
      return b.set(f, true);
    case capnp::schema::Type::TEXT:
      return b.set(f, f.getProto().getName());
    case capnp::schema::Type::DATA: {
      kj::byte bytes[] = {1, 2, 3, static_cast<kj::byte>(f.getIndex())};
      return b.set(f, capnp::Data::Reader{bytes, sizeof bytes});
    }
    case capnp::schema::Type::LIST:
      return fill_list(b.init(f, 2).as<capnp::DynamicList>(), t.asList().getElementType(), number_of(f), depth);
    case capnp::schema::Type::STRUCT:
      if (depth < depth_max) fill(b.init(f).as<capnp::DynamicStruct>(), depth + 1);
      return;
    case capnp::schema::Type::ENUM:
      return b.set(f, capnp::DynamicEnum{t.asEnum(), 1});
    case capnp::schema::Type::FLOAT32:
    case capnp::schema::Type::FLOAT64:
      return b.set(f, 0.5);
    case capnp::schema::Type::VOID:
      return b.set(f, capnp::VOID);
    default:
      return b.set(f, number_of(f));
  }
}

void fill(capnp::DynamicStruct::Builder b, int depth) {
  auto schema = b.getSchema();
  for (auto f : schema.getNonUnionFields()) fill_field(b, f, depth);
  if (schema.getUnionFields().size() > 0) fill_field(b, schema.getUnionFields()[0], depth);
}

std::string directory() { return std::string{SKERRY_SOURCE_DIR} + "/test/schema/golden/"; }

std::string read(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Compares what an old island wrote with what this version would write: each field is the same, or was not there yet.
void check_same(capnp::DynamicStruct::Reader old, capnp::DynamicStruct::Reader now, size_t& same) {
  auto one = [&](capnp::StructSchema::Field f) {
    auto t = f.getType();
    if (!old.has(f)) return;
    if (f.getProto().isGroup() || t.isStruct())
      return check_same(old.get(f).as<capnp::DynamicStruct>(), now.get(f).as<capnp::DynamicStruct>(), same);
    auto a = kj::str(old.get(f)), b = kj::str(now.get(f));
    // Lists of structs may have grown fields; their texts differ then, and their structure was checked.
    if (t.isList() && t.asList().getElementType().isStruct()) return static_cast<void>(++same);
    if (a == b) return static_cast<void>(++same);
    auto number = !t.isText() && !t.isData() && !t.isList();
    BOOST_TEST((number && old.get(f).as<capnp::DynamicValue>().getType() != capnp::DynamicValue::UNKNOWN &&
                (a == kj::str("0") || a == kj::str("false"))),
               f.getProto().getName().cStr() << ": " << a.cStr() << " was written, " << b.cStr() << " is expected");
  };
  for (auto f : old.getSchema().getNonUnionFields()) one(f);
  KJ_IF_MAYBE (f, old.which()) one(*f);
}

/// `bytes` is what this version writes.
void check_golden(const std::string& name, capnp::StructSchema schema, capnp::MallocMessageBuilder& built) {
  auto path = directory() + name + ".bin";
  auto golden = read(path);
  if (golden.empty() && std::getenv("SKERRY_WRITE_GOLDEN") != nullptr) {
    auto flat = capnp::messageToFlatArray(built);
    std::ofstream out{path, std::ios::binary};
    out.write(reinterpret_cast<const char*>(flat.asBytes().begin()),
              static_cast<std::streamsize>(flat.asBytes().size()));
    out.close();
    golden = read(path);
  }
  BOOST_REQUIRE_MESSAGE(!golden.empty(), name << " has no golden file: run this test with SKERRY_WRITE_GOLDEN=1, and "
                                                 "keep what it wrote for ever");
  BOOST_TEST_CONTEXT(path) {
    BOOST_TEST(!check_bytes({reinterpret_cast<const std::byte*>(golden.data()), golden.size()}, schema));
    kj::Array<capnp::word> words = kj::heapArray<capnp::word>(golden.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), golden.data(), golden.size());
    capnp::FlatArrayMessageReader reader{words};
    size_t same = 0;
    check_same(reader.getRoot<capnp::DynamicStruct>(schema), built.getRoot<capnp::DynamicStruct>(schema).asReader(),
               same);
    BOOST_TEST((same > 0 || schema.getFields().size() == 0));
  }
}

void check_message(capnp::StructSchema schema, const std::string& name) {
  capnp::MallocMessageBuilder b;
  fill(b.initRoot<capnp::DynamicStruct>(schema), 0);
  check_golden(name, schema, b);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE(every_message_of_the_vocabulary_reads_as_it_was_first_written) {
  vocabulary words;
  add_standard(words);
  supervisors::add_admin(words);
  BOOST_TEST(words.all().size() >= 6u);
  for (const auto* t : words.all()) check_message(t->schema(), t->name());
}

BOOST_AUTO_TEST_CASE(every_frame_of_the_link_reads_as_it_was_first_written) {
  auto frame = capnp::Schema::from<schema::Frame>();
  BOOST_TEST(frame.getUnionFields().size() >= 14u);
  for (auto f : frame.getUnionFields()) {
    capnp::MallocMessageBuilder b;
    fill_field(b.initRoot<capnp::DynamicStruct>(frame), f, 0);
    check_golden(std::string{"Frame."} + f.getProto().getName().cStr(), frame, b);
  }
}

BOOST_AUTO_TEST_CASE(what_lies_on_disk_reads_as_it_was_first_written) {
  check_message(capnp::Schema::from<schema::JournalEntry>(), "JournalEntry");
  check_message(capnp::Schema::from<schema::StoredObject>(), "StoredObject");
  check_message(capnp::Schema::from<schema::Fact>(), "Fact");
  check_message(capnp::Schema::from<schema::TwinState>(), "TwinState");
}

BOOST_AUTO_TEST_SUITE_END()
