#include "schema/device/conversion.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/error.hpp"
#include "test/json.hpp"

using namespace skerry;
using namespace skerry::device;

namespace {

json::object config_of(std::string text) { return test::parsed(std::move(text)).get_object(); }

conversion made(const char* type, const char* config, uint16_t count, bool bits = false) {
  auto c = read_conversion(*type_of(type), config_of(config), count, bits, false);
  const auto* p = std::get_if<problem>(&c);
  BOOST_REQUIRE_MESSAGE(p == nullptr, (p == nullptr ? "" : p->key + " " + p->why));
  return std::get<conversion>(c);
}

struct row {
  const char* type;
  const char* config;
  std::vector<uint16_t> words;
  const char* text;
  bool back = true;  ///< the text gives the same registers
};

}  // namespace

BOOST_AUTO_TEST_SUITE(conversion_suite)

BOOST_AUTO_TEST_CASE(registers_and_texts) {
  const row rows[] = {
      {"INT", "{}", {65535}, "65535"},
      {"INT", "{'signed':true}", {65535}, "-1"},
      {"INT", "{'dataType':'int'}", {0x8000}, "-32768"},
      {"INT", "{}", {1, 2}, "65538"},
      {"INT", "{'isRegisterSwap':true}", {2, 1}, "65538"},
      {"INT", "{'isSwap':true}", {0x3412}, "4660"},
      {"INT", "{'isSwap':true,'isRegisterSwap':true}", {0x7856, 0x3412}, "305419896"},
      {"INT", "{'signed':'true'}", {0xffff, 0xffff, 0xffff, 0xfffe}, "-2"},
      {"INT", "{}", {0xffff, 0xffff, 0xffff, 0xfffe}, "18446744073709551614"},
      {"INT", "{'scale':10}", {7}, "70"},
      {"INT", "{'scale':0.1}", {215}, "22", false},
      {"INT", "{'dataType':'bcd'}", {0x1234}, "1234"},
      {"INT", "{'dataType':'bcd'}", {0x0012, 0x3456}, "123456"},
      {"INT", "{'bit':3}", {8}, "1", false},
      {"FLOAT", "{'scale':'0.1'}", {215}, "21.5"},
      {"FLOAT", "{'scale':0.1,'signed':true}", {0xffff}, "-0.1"},
      {"FLOAT", "{'scale':0.1,'valueOffset':-40}", {655}, "25.5"},
      {"FLOAT", "{}", {0x41ac, 0x0000}, "21.5"},
      {"FLOAT", "{'isRegisterSwap':true}", {0x0000, 0x41ac}, "21.5"},
      {"FLOAT", "{'isSwap':true}", {0xac41, 0x0000}, "21.5"},
      {"FLOAT", "{}", {0x3dcc, 0xcccd}, "0.1"},
      {"DOUBLE", "{}", {0x3fb9, 0x9999, 0x9999, 0x999a}, "0.1"},
      {"DOUBLE", "{'isRegisterSwap':true}", {0, 0, 0, 0x4035}, "21"},
      {"BOOLEAN", "{}", {2}, "true", false},
      {"BOOLEAN", "{}", {0}, "false"},
      {"BOOLEAN", "{'bit':1}", {2}, "true", false},
      {"BOOLEAN", "{'bit':0}", {2}, "false", false},
      {"STRING", "{}", {0x6162, 0x6300}, "abc"},
      {"STRING", "{'isSwap':true}", {0x6261, 0x0063}, "abc"},
      {"BYTES", "{}", {0xdead, 0xbeef}, "deadbeef"},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.type << " " << r.config << " " << r.text) {
      auto c = made(r.type, r.config, static_cast<uint16_t>(r.words.size()));
      auto text = to_text(c, {r.words, {}});
      BOOST_REQUIRE_MESSAGE(text, (text ? "" : message_of(text.error())));
      BOOST_TEST(*text == r.text);
      auto raw = from_text(c, r.text);
      if (!r.back) continue;
      BOOST_REQUIRE_MESSAGE(raw, (raw ? "" : message_of(raw.error())));
      BOOST_TEST(raw->words == r.words, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(bits_and_texts) {
  auto coil = made("BOOLEAN", "{}", 1, true);
  BOOST_TEST(*to_text(coil, {{}, {true}}) == "true");
  BOOST_TEST(*to_text(coil, {{}, {false}}) == "false");
  BOOST_TEST(from_text(coil, "true")->bits[0] == true);
  BOOST_TEST(from_text(coil, "0")->bits[0] == false);
  auto three = made("INT", "{}", 3, true);
  BOOST_TEST(*to_text(three, {{}, {true, false, true}}) == "5");  // the lowest address is the lowest bit
  BOOST_TEST((from_text(three, "6")->bits == std::vector<bool>{false, true, true}));
  BOOST_TEST(!from_text(three, "8"));
}

BOOST_AUTO_TEST_CASE(texts_of_devices_that_speak_for_themselves) {
  auto converted = [](const char* type, const char* config, const char* said) -> std::string {
    auto c = read_text_conversion(*type_of(type), config_of(config));
    BOOST_REQUIRE(std::holds_alternative<conversion>(c));
    raw_value raw;
    raw.text = said;
    auto text = to_text(std::get<conversion>(c), raw);
    return text ? *text : "bad";
  };
  BOOST_TEST(converted("FLOAT", "{}", " 21.50\n") == "21.5");
  BOOST_TEST(converted("FLOAT", "{'scale':0.1}", "215") == "21.5");
  BOOST_TEST(converted("INT", "{}", "7") == "7");
  BOOST_TEST(converted("INT", "{}", "7.6") == "8");
  BOOST_TEST(converted("INT", "{}", "seven") == "bad");
  BOOST_TEST(converted("FLOAT", "{}", "nan") == "bad");
  BOOST_TEST(converted("BOOLEAN", "{}", "ON") == "true");
  BOOST_TEST(converted("BOOLEAN", "{}", "false") == "false");
  BOOST_TEST(converted("BOOLEAN", "{}", "2") == "bad");
  BOOST_TEST(converted("STRING", "{}", "as it is ") == "as it is ");
  BOOST_TEST(converted("STRING", "{}", "\xff") == "bad");
  BOOST_TEST(converted("BYTES", "{}", "\xff\x01") == "ff01");
  auto desired = [](const char* type, const char* config, const char* text) -> std::string {
    auto raw = from_text(std::get<conversion>(read_text_conversion(*type_of(type), config_of(config))), text);
    return raw ? raw->text : "refused";
  };
  BOOST_TEST(desired("FLOAT", "{'scale':0.1}", "21.5") == "215");
  BOOST_TEST(desired("INT", "{}", "42") == "42");
  BOOST_TEST(desired("INT", "{}", "x") == "refused");
  BOOST_TEST(desired("BOOLEAN", "{}", "true") == "true");
  BOOST_TEST(desired("BOOLEAN", "{}", "perhaps") == "refused");
  BOOST_TEST(desired("STRING", "{}", "any text") == "any text");
}

BOOST_AUTO_TEST_CASE(what_is_no_value_is_refused) {
  auto code = [](const auto& r) { return r ? errc{} : code_of(r.error()); };
  BOOST_TEST((code(to_text(made("INT", "{'dataType':'bcd'}", 1), {{0x12fa}, {}})) == errc::corrupt));
  BOOST_TEST((code(to_text(made("FLOAT", "{}", 2), {{0x7fc0, 0}, {}})) == errc::corrupt));  // not a number
  BOOST_TEST((code(to_text(made("STRING", "{}", 1), {{0xff41}, {}})) == errc::corrupt));
  BOOST_TEST((code(to_text(made("INT", "{}", 2), {{1}, {}})) == errc::corrupt));
  auto refused = [&](const char* type, const char* config, uint16_t count, const char* text) {
    BOOST_TEST_CONTEXT(type << " " << text) {
      BOOST_TEST((code(from_text(made(type, config, count), text)) == errc::invalid));
    }
  };
  refused("INT", "{}", 1, "65536");
  refused("INT", "{}", 1, "-1");
  refused("INT", "{'signed':true}", 1, "32768");
  refused("INT", "{}", 1, "1x");
  refused("INT", "{}", 1, "");
  refused("INT", "{'dataType':'bcd'}", 1, "10000");
  refused("INT", "{'bit':2}", 1, "1");
  refused("FLOAT", "{}", 2, "1e39");
  refused("FLOAT", "{}", 2, "nan");
  refused("BOOLEAN", "{}", 1, "yes");
  refused("STRING", "{}", 1, "abc");
  refused("BYTES", "{}", 1, "0g");
}

BOOST_AUTO_TEST_CASE(configurations_that_cannot_be_are_named) {
  auto key = [](const char* type, const char* config, uint16_t count, bool bits = false) {
    auto c = read_conversion(*type_of(type), config_of(config), count, bits, false);
    return std::holds_alternative<problem>(c) ? std::get<problem>(c).key : "none";
  };
  BOOST_TEST(key("INT", "{'isSwap':'maybe'}", 1) == "isSwap");
  BOOST_TEST(key("INT", "{'scale':'much'}", 1) == "scale");
  BOOST_TEST(key("INT", "{'dataType':'int7'}", 1) == "dataType");
  BOOST_TEST(key("INT", "{}", 5) == "limit");
  BOOST_TEST(key("FLOAT", "{'dataType':'float'}", 1) == "limit");
  BOOST_TEST(key("STRING", "{'bit':1}", 1) == "bit");
  BOOST_TEST(key("INT", "{}", 65, true) == "limit");
  BOOST_TEST(key("STREAM", "{}", 1) == "");
  BOOST_TEST(key("STRING", "{}", 100) == "none");
}

BOOST_AUTO_TEST_CASE(cycles) {
  bool ns = false;
  BOOST_TEST(cycle_ms(0, 1000, ns) == 1000);
  BOOST_TEST(cycle_ms(500, 1000, ns) == 500);
  BOOST_TEST(!ns);
  BOOST_TEST(cycle_ms(1, 1000, ns) == 10);
  BOOST_TEST(cycle_ms(10'000'000'000, 1000, ns) == 10'000);
  BOOST_TEST(ns);
}

BOOST_AUTO_TEST_SUITE_END()
