#include "tools/skerry/repl/codec.hpp"

#include <capnp/message.h>

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"
#include "schema/json.hpp"
#include "schema/link.capnp.h"

using namespace skerry;
using namespace skerry::tools::repl;

namespace {

capnp::StructSchema frame_schema() { return capnp::Schema::from<schema::Frame>(); }

std::string round(const codec& c, std::string_view text, bool terse = true) {
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<capnp::DynamicStruct>(frame_schema());
  if (auto e = c.decode(text, root)) return message_of(e);
  auto back = c.encode(root.asReader(), terse);
  return back ? json::serialize(*back) : message_of(back.error());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_and_letters)

BOOST_AUTO_TEST_CASE(there_and_back) {
  codec c;
  for (const auto* text : {
           R"({"ping":42})",
           R"({"ping":"18446744073709551615"})",
           R"({"goodbye":{"code":5,"message":"a / \"b\"","retryAfterMs":100}})",
           R"({"hello":{"protocol":1,"version":"v1","inventory":[{"resource":"pods","name":"a"},{"revision":7}]}})",
           R"({"facts":{"facts":[{"sequence":1,"nodeStatus":"text"},{"sequence":2,"event":"base64:AAH/"}]}})",
           R"({"desired":{"put":[{"object":"äöü\n"}],"last":true}})",
       })
    BOOST_TEST(round(c, text) == text);
  BOOST_TEST(round(c, R"({"ping":"42"})") == R"({"ping":42})");
  BOOST_TEST(round(c, "  ") == "{}");
}

BOOST_AUTO_TEST_CASE(numbers_keep_their_value) {
  codec c;
  BOOST_TEST(round(c, R"({"ping":999999999999999})") == R"({"ping":999999999999999})");
  BOOST_TEST(round(c, R"({"ping":9007199254740993})") == R"({"ping":"9007199254740993"})");
}

BOOST_AUTO_TEST_CASE(full_shows_defaults) {
  codec c;
  BOOST_TEST(round(c, R"({"welcome":{"cluster":"x"}})", false) ==
             R"({"welcome":{"leaseMs":0,"cluster":"x","factsAcked":0}})");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_and_where) {
  codec c;
  struct row {
    const char *text, *said;
  };
  for (const auto& r : {
           row{R"({"helo":{}})", "helo: Frame has no such field; did you mean 'hello'?"},
           row{R"({"hello":{"protocl":1}})", "hello.protocl: Hello has no such field; did you mean 'protocol'?"},
           row{R"({"hello":{"inventory":[{}, {"nme":"x"}]}})", "hello.inventory[1].nme: Held has no such field"},
           row{R"({"hello":{"inventory":{}}})", "hello.inventory: List(Held) takes an array, not an object"},
           row{R"({"hello":5})", "hello: Hello takes an object, not a number"},
           row{R"({"ping":"x"})", "ping: UInt64 takes a whole number from 0 to 18446744073709551615, not \"x\""},
           row{R"({"ping":-1})", "ping: UInt64 takes a whole number from 0"},
           row{R"({"ping":true})", "ping: UInt64 takes a whole number, not a boolean"},
           row{R"({"goodbye":{"code":70000}})", "goodbye.code: UInt16 takes a whole number from 0 to 65535, not 70000"},
           row{R"({"goodbye":{"code":"5"}})", "goodbye.code: UInt16 takes a whole number, not a string"},
           row{R"({"goodbye":{"message":5}})", "goodbye.message: Text takes a string, not a number"},
           row{R"({"desired":{"last":1}})", "desired.last: Bool takes true or false, not a number"},
           row{R"({"desired":{"put":[{"object":"base64:!!"}]}})", "desired.put[0].object: what follows base64: is no"},
           row{R"({"ping":1,"pong":2})", "pong: stands in a union with 'ping': give one of them"},
           row{R"([1])", "Frame takes an object, not an array"},
           row{R"({"ping":1)", "the JSON does not parse: "},
           row{R"({"hello":null})", "hello: Hello takes an object, not null"},
       }) {
    auto said = round(c, r.text);
    BOOST_TEST(said.find(r.said) == 0u, r.text << " -> " << said);
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_message) {
  codec c;
  std::vector<std::byte> bytes(24, std::byte{0xff});
  BOOST_TEST(!c.encode(bytes, frame_schema()));
  BOOST_TEST(!c.encode(std::span{bytes}.first(7), frame_schema()));
  BOOST_TEST(!c.encode({}, frame_schema()));
  BOOST_TEST((code_of(c.encode(bytes, frame_schema()).error()) == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(schemas_are_described) {
  auto text = describe(frame_schema());
  for (const auto* part : {"Frame\n  one of:\n    join :Join\n", "\nHello\n  protocol :UInt32\n",
                           "  inventory :List(Held)\n", "\nHeld\n  resource :Text\n"})
    BOOST_TEST(text.find(part) != std::string::npos, text);
}

BOOST_AUTO_TEST_SUITE_END()
