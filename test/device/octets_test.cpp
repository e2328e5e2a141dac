#include "schema/device/octets.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/device/bluetooth.hpp"
#include "schema/error.hpp"
#include "sim/ports/seeded_random.hpp"
#include "test/json.hpp"

using namespace skerry;
using namespace skerry::device;

namespace {

json::object config_of(std::string text) { return test::parsed(std::move(text)).get_object(); }

std::string key(const char* type, const char* config) {
  auto c = read_octet_conversion(*type_of(type), config_of(config), false);
  const auto* p = std::get_if<problem>(&c);
  return p == nullptr ? "none" : p->key;
}

conversion made(const char* type, const char* config) {
  auto c = read_octet_conversion(*type_of(type), config_of(config), false);
  const auto* p = std::get_if<problem>(&c);
  BOOST_REQUIRE_MESSAGE(p == nullptr, (p == nullptr ? "" : p->key + " " + p->why));
  return std::get<conversion>(c);
}

raw_value raw_of(std::string bytes) {
  raw_value r;
  r.text = std::move(bytes);
  return r;
}

struct row {
  const char* type;
  const char* config;
  std::string bytes;
  const char* text;
  bool back = true;  ///< the text gives the same bytes
};

using namespace std::string_literals;

}  // namespace

BOOST_AUTO_TEST_SUITE(octets_suite)

BOOST_AUTO_TEST_CASE(bytes_and_texts) {
  const row rows[] = {
      {"INT", "{'size':1}", "d", "100"},
      {"INT", "{'size':2}", "\x34\x12", "4660"},
      {"INT", "{'size':2,'signed':true}", "\xff\xff", "-1"},
      {"INT", "{'size':3,'dataType':'int'}", "\xfe\xff\xff", "-2"},
      {"INT", "{'size':'8'}", "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", false},
      {"INT", "{'dataType':'string'}", "42", "42"},
      {"INT", "{'bit':1}", "\x02", "1", false},
      {"FLOAT", "{'size':2,'dataType':'int','scale':0.01}", "\x66\x08", "21.5"},  // 0x2A6E, Temperature
      {"FLOAT", "{'size':2,'dataType':'int','scale':0.01}", "\x9c\xff", "-1"},
      {"FLOAT", "{}", "\x00\x00\xac\x41"s, "21.5"},
      {"FLOAT", "{'dataType':'string'}", "21.5", "21.5"},
      {"FLOAT", "{'dataType':'string','scale':2}", "21.5", "43"},
      {"DOUBLE", "{}", "\x9a\x99\x99\x99\x99\x99\xb9\x3f", "0.1"},
      {"DOUBLE", "{}", "\x05", "5", false},
      {"STRING", "{}", "on the wall", "on the wall"},
      {"STRING", "{'dataConverter':{'startIndex':1,'endIndex':3}}", "abcde", "bcd", false},
      {"STRING", "{'dataWrite':{'ON':[1,0],'OFF':'AA=='}}", "\x01\x00"s, "ON"},
      {"STRING", "{'dataWrite':{'ON':[1,0],'OFF':'AA=='}}", "\x00"s, "OFF"},
      {"BOOLEAN", "{}", "\x01", "true"},
      {"BOOLEAN", "{'size':2}", "\x00\x00"s, "false"},
      {"BYTES", "{}", "\xde\xad", "dead"},
      // As KubeEdge's sample for a SensorTag has it: two bytes the other way round, and what they mean.
      {"FLOAT",
       "{'dataConverter':{'startIndex':3,'endIndex':2,'shiftRight':2,'orderOfOperations':[{'operationType':'Multiply',"
       "'operationValue':0.03125}]}}",
       "\x00\x00\x90\x0b"s, "23.125", false},
      {"INT", "{'dataConverter':{'startIndex':0,'endIndex':1}}", "\x01\x02", "258", false},
      {"INT", "{'dataConverter':{'shiftLeft':4}}", "\x01\x02", "16", false},
      {"FLOAT",
       "{'dataConverter':{'endIndex':0,'orderOfOperations':[{'operationType':'Add','operationValue':5},"
       "{'operationType':'Divide','operationValue':'2'},{'operationType':'Subtract','operationValue':0.5}]}}",
       "\x06", "5", false},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.type << " " << r.config << " " << r.text) {
      auto c = made(r.type, r.config);
      auto text = to_text(c, raw_of(r.bytes));
      BOOST_REQUIRE_MESSAGE(text, (text ? "" : message_of(text.error())));
      BOOST_TEST(*text == r.text);
      if (!r.back || std::string_view{r.config}.find("'scale':2") != std::string_view::npos) continue;
      auto raw = from_text(c, r.text);
      BOOST_REQUIRE_MESSAGE(raw, (raw ? "" : message_of(raw.error())));
      BOOST_TEST((raw->text == r.bytes));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_value) {
  auto fails = [](const char* type, const char* config, std::string bytes) {
    return code_of(to_text(made(type, config), raw_of(std::move(bytes))).error()) == errc::corrupt;
  };
  BOOST_TEST(fails("INT", "{}", ""));
  BOOST_TEST(fails("INT", "{}", "123456789"));
  BOOST_TEST(fails("INT", "{'dataConverter':{'endIndex':2}}", "ab"));
  BOOST_TEST(fails("INT", "{'dataType':'string'}", "abc"));
  BOOST_TEST(fails("FLOAT", "{'dataType':'float'}", "abc"));
  BOOST_TEST(fails("FLOAT", "{}", "\x00\x00\xc0\x7f"s));
  BOOST_TEST(fails("STRING", "{}", "\xff"));
  auto refuses = [](const char* type, const char* config, const char* text) {
    return code_of(from_text(made(type, config), text).error()) == errc::invalid;
  };
  BOOST_TEST(refuses("INT", "{}", "1"));  // of what size?
  BOOST_TEST(refuses("INT", "{'size':1}", "256"));
  BOOST_TEST(refuses("INT", "{'size':1}", "-1"));
  BOOST_TEST(refuses("INT", "{'size':1,'signed':true}", "128"));
  BOOST_TEST(refuses("INT", "{'size':1}", "one"));
  BOOST_TEST(refuses("BOOLEAN", "{}", "2"));
  BOOST_TEST(refuses("BYTES", "{}", "xyz"));
  BOOST_TEST(refuses("STRING", "{'dataWrite':{'ON':[1]}}", "OFF"));
  BOOST_TEST(refuses("INT", "{'dataConverter':{'endIndex':1}}", "1"));
}

BOOST_AUTO_TEST_CASE(configurations) {
  BOOST_TEST(key("STREAM", "{}") == "");
  BOOST_TEST(key("INT", "{'size':9}") == "size");
  BOOST_TEST(key("INT", "{'bit':64}") == "bit");
  BOOST_TEST(key("INT", "{'dataType':'bcd'}") == "dataType");
  BOOST_TEST(key("INT", "{'dataType':'bytes'}") == "dataType");
  BOOST_TEST(key("INT", "{'scale':'x'}") == "scale");
  BOOST_TEST(key("INT", "{'dataWrite':{'ON':[256]}}") == "dataWrite");
  BOOST_TEST(key("INT", "{'dataWrite':{'ON':'?'}}") == "dataWrite");
  BOOST_TEST(key("INT", "{'dataWrite':[1]}") == "dataWrite");
  BOOST_TEST(key("INT", "{'dataConverter':7}") == "dataConverter");
  BOOST_TEST(key("INT", "{'dataConverter':{'startIndex':-1}}") == "dataConverter");
  BOOST_TEST(key("INT", "{'dataConverter':{'endIndex':8}}") == "dataConverter");
  BOOST_TEST(key("STRING", "{'dataConverter':{'endIndex':8}}") == "none");
  BOOST_TEST(key("INT", "{'dataConverter':{'shiftLeft':64}}") == "dataConverter");
  BOOST_TEST(key("INT", "{'dataConverter':{'orderOfOperations':[{'operationType':'Power','operationValue':2}]}}") ==
             "dataConverter");
  BOOST_TEST(key("INT", "{'dataConverter':{'orderOfOperations':[{'operationType':'Divide','operationValue':0}]}}") ==
             "dataConverter");
}

BOOST_AUTO_TEST_CASE(uuids_and_addresses) {
  BOOST_TEST(text_of(*uuid_of("2A6E")) == "2a6e");
  BOOST_TEST(text_of(*uuid_of("0x2a6e")) == "2a6e");
  BOOST_TEST((uuid_of("2a6e") == uuid_of("00002A6E-0000-1000-8000-00805f9b34fb")));
  BOOST_TEST((uuid_of("f000aa0104514000b000000000000000") == uuid_of("f000aa01-0451-4000-b000-000000000000")));
  BOOST_TEST(text_of(*uuid_of("f000aa0104514000b000000000000000")) == "f000aa01-0451-4000-b000-000000000000");
  for (const auto* bad :
       {"", "2a6", "2a6g", "f000aa01-0451-4000-b000-00000000000", "f000aa010451-4000-b000-0000-00000000"})
    BOOST_TEST(!uuid_of(bad));
  auto at = [](const char* config) {
    auto a = read_bluetooth_address(config_of(config));
    const auto* p = std::get_if<problem>(&a);
    return p == nullptr ? std::get<bluetooth_address>(a).mac : p->key;
  };
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71:13'}") == "00:1A:7D:DA:71:13");
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71'}") == "macAddress");
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71:1g'}") == "macAddress");
  BOOST_TEST(at("{'macAddress':'00-1a-7d-da-71-13'}") == "macAddress");
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71:13','addressType':'other'}") == "addressType");
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71:13','adapter':'eth0'}") == "adapter");
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71:13','security':'none'}") == "security");
  BOOST_TEST(at("{'macAddress':'00:1a:7d:da:71:13','timeout':99}") == "timeout");
  auto visitor = [](const char* config) {
    auto v = read_bluetooth_visitor(config_of(config));
    const auto* p = std::get_if<problem>(&v);
    return p == nullptr ? "none" : p->key;
  };
  BOOST_TEST(visitor("{'characteristicUUID':'2a6e','serviceUUID':'181a','notify':false}") == "none");
  BOOST_TEST(visitor("{'rssi':true}") == "none");
  BOOST_TEST(visitor("{'rssi':true,'characteristicUUID':'2a6e'}") == "rssi");
  BOOST_TEST(visitor("{}") == "characteristicUUID");
  BOOST_TEST(visitor("{'characteristicUUID':'2a6e','serviceUUID':'x'}") == "serviceUUID");
  BOOST_TEST(visitor("{'characteristicUUID':'2a6e','notify':7}") == "notify");
}

BOOST_AUTO_TEST_CASE(no_bytes_do_harm) {
  sim::seeded_random random{7};
  auto below = [&](uint64_t n) { return random.next() % n; };
  const char* configs[] = {"{}",
                           "{'dataType':'string'}",
                           "{'dataType':'int','size':3}",
                           "{'dataConverter':{'startIndex':5,'endIndex':1,'shiftLeft':63,'shiftRight':63}}",
                           "{'dataWrite':{'ON':[1]},'bit':63}",
                           "{'dataType':'double','scale':1e300}"};
  size_t shown = 0;
  for (int i = 0; i < 20'000; ++i) {
    const char* types[] = {"INT", "FLOAT", "DOUBLE", "STRING", "BOOLEAN", "BYTES"};
    auto c = read_octet_conversion(*type_of(types[below(6)]), config_of(configs[below(6)]), below(2) == 0);
    auto* how = std::get_if<conversion>(&c);
    if (how == nullptr) continue;
    std::string bytes;
    for (auto n = below(12); n > 0; --n) bytes += static_cast<char>(below(256));
    shown += to_text(*how, raw_of(bytes)) ? 1 : 0;
    from_text(*how, bytes);
  }
  BOOST_TEST(shown > 2'000u);
}

BOOST_AUTO_TEST_SUITE_END()
