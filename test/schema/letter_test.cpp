#include <boost/test/unit_test.hpp>

#include "actors/base/context.hpp"
#include "actors/base/pool.hpp"
#include "actors/link/messages.hpp"
#include "actors/ports/files.hpp"
#include "actors/ports/http.hpp"
#include "actors/ports/kv.hpp"
#include "actors/ports/pki.hpp"
#include "actors/ports/prober.hpp"
#include "actors/ports/runtime.hpp"
#include "actors/store/messages.hpp"
#include "actors/store/view.hpp"
#include "schema/json.hpp"
#include "schema/letter.hpp"
#include "schema/object.capnp.h"

using namespace skerry;
using stored = letter<schema::StoredObject>;

BOOST_AUTO_TEST_SUITE(letters)

BOOST_AUTO_TEST_CASE(copies_share_one_buffer_and_bytes_round_trip) {
  auto a = stored::build([](auto o) {
    o.setName("web-0");
    o.setRevision(7);
  });
  auto b = a;
  BOOST_TEST(b.same(a));
  auto c = stored::from_bytes(a.bytes(), 4);
  BOOST_REQUIRE(c);
  BOOST_TEST(((**c).getName() == "web-0"));
  BOOST_TEST((**c).getRevision() == 7u);
}

BOOST_AUTO_TEST_CASE(hostile_bytes_are_refused_or_read_safely) {
  auto a = stored::build([](auto o) { o.setName("web-0"); });
  std::vector<std::byte> bytes(a.bytes().begin(), a.bytes().end());
  BOOST_TEST(!stored::from_bytes(std::span{bytes}.first(5)));
  BOOST_TEST(!stored::from_bytes(std::span{bytes}.first(8)));
  BOOST_TEST(!stored::from_bytes({}));
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto broken = bytes;
    broken[i] ^= std::byte{0xff};
    auto l = stored::from_bytes(broken, 4);
    if (!l) continue;
    try {
      BOOST_TEST((**l).getName().size() <= bytes.size());
    } catch (const kj::Exception&) {
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(json_helpers)

BOOST_AUTO_TEST_CASE(times_round_trip) {
  BOOST_TEST(format_time(1'000'000'000'000) == "2001-09-09T01:46:40Z");
  BOOST_TEST(parse_time("2001-09-09T01:46:40Z").value() == 1'000'000'000'000);
  BOOST_TEST(parse_time("2001-09-09T03:46:40.250+02:00").value() == 1'000'000'000'250);
  BOOST_TEST(!parse_time("2001-13-09T01:46:40Z"));
  BOOST_TEST(!parse_time("yesterday"));
}

BOOST_AUTO_TEST_CASE(a_syntax_error_names_line_and_column) {
  std::string error;
  parse_json("{\n  \"a\": }", error);
  BOOST_TEST(error.find("line 2, column") == 0u);
  error.clear();
  auto v = parse_json(R"({"a":{"b":[1,"x"]}})", error);
  BOOST_TEST(error.empty());
  BOOST_TEST(array_at(v, "a.b").size() == 2u);
  BOOST_TEST(string_at(v, "a.c", "none") == "none");
}

BOOST_AUTO_TEST_SUITE_END()
