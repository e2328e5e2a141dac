#include <boost/test/unit_test.hpp>

#include "schema/device/conversion.hpp"
#include "schema/device/modbus.hpp"
#include "schema/device/mqtt.hpp"
#include "sim/ports/seeded_random.hpp"

using namespace skerry;
using namespace skerry::device;

namespace {

struct dice {
  sim::seeded_random random{20261127};
  uint64_t below(uint64_t n) { return random.next() % n; }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return *(all.begin() + below(all.size()));
  }
  /// A value as people and others write them.
  json::value any() {
    switch (below(8)) {
      case 0:
        return static_cast<int64_t>(random.next());
      case 1:
        return static_cast<int64_t>(below(200)) - 50;
      case 2:
        return static_cast<double>(below(1'000)) / 7 - 30;
      case 3:
        return below(2) == 0;
      case 4:
        return json::value(
            one_of<const char*>({"1", "-1", "0.1", "true", "1e400", "", "abc", "nan", "HoldingRegister", "+/#", "/a"}));
      case 5:
        return nullptr;
      case 6:
        return json::array{1};
      default:
        return json::object{{"a", 1}};
    }
  }
  json::object config() {
    json::object out;
    for (const char* key : {"register", "offset", "limit", "bit", "scale", "valueOffset", "isSwap", "isRegisterSwap",
                            "signed", "dataType", "topic", "pointer", "qos", "ip", "port", "slaveID", "timeout"})
      if (below(3) == 0) out[key] = any();
    if (below(2) == 0) out["register"] = one_of<const char*>({"HoldingRegister", "CoilRegister", "inputregister"});
    if (below(2) == 0) out["offset"] = static_cast<int64_t>(below(70'000));
    if (below(2) == 0)
      out["dataType"] = one_of<const char*>({"int", "uint", "float", "double", "bcd", "string", "bytes", "bool"});
    return out;
  }
  std::string bytes() {
    std::string out;
    for (auto n = below(12); n > 0; --n) out += static_cast<char>(below(3) == 0 ? below(256) : '0' + below(12));
    return out;
  }
};

constexpr value_type types[] = {value_type::integer, value_type::real32,  value_type::real64,
                                value_type::text,    value_type::boolean, value_type::bytes};

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(no_configuration_and_no_bytes_do_harm) {
  dice d;
  size_t usable = 0, shown = 0;
  for (int i = 0; i < 30'000; ++i) {
    auto config = d.config();
    auto visitor = read_modbus_visitor(config);
    if (auto* v = std::get_if<modbus_visitor>(&visitor)) {
      BOOST_REQUIRE(v->count >= 1);
      BOOST_REQUIRE(v->offset + v->count <= 65'536);
      BOOST_REQUIRE(overlap(*v, *v));
    }
    read_modbus_address(config);
    read_mqtt_address(config, d.config());
    read_mqtt_visitor(config, {"ns", d.bytes(), "{name}"});
    auto count = static_cast<uint16_t>(1 + d.below(6));
    auto bits = d.below(4) == 0;
    auto c = read_conversion(types[d.below(std::size(types))], config, count, bits, d.below(2) == 0);
    auto* how = std::get_if<conversion>(&c);
    if (how == nullptr) continue;
    ++usable;
    raw_value raw;
    for (uint16_t k = 0; k < count; ++k) {
      if (bits)
        raw.bits.push_back(d.below(2) == 0);
      else
        raw.words.push_back(static_cast<uint16_t>(d.below(4) == 0 ? d.below(65'536) : d.below(300)));
    }
    if (d.below(20) == 0) raw = {};
    auto text = to_text(*how, raw);
    from_text(*how, d.bytes());
    if (!text) continue;
    ++shown;
    auto back = from_text(*how, *text);
    // Whole numbers without scale go there and back.
    auto exact = how->type == value_type::integer && how->scale == 1 && how->offset == 0 && how->bit < 0 &&
                 (how->form == representation::unsigned_number || how->form == representation::signed_number ||
                  how->form == representation::bcd);
    if (exact && count <= 3) BOOST_REQUIRE_MESSAGE((back && *back == raw), *text << " of " << count);
  }
  BOOST_TEST(usable > 1'000u);
  BOOST_TEST(shown > 500u);
}

BOOST_AUTO_TEST_CASE(no_text_of_a_device_does_harm) {
  dice d;
  for (int i = 0; i < 20'000; ++i) {
    auto c = read_text_conversion(types[d.below(std::size(types))], d.config());
    auto* how = std::get_if<conversion>(&c);
    if (how == nullptr) continue;
    raw_value raw;
    raw.text = d.bytes();
    if (auto text = to_text(*how, raw)) from_text(*how, *text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
