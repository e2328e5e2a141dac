#include "actors/twin/core.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include "schema/device/limits.hpp"
#include "schema/error.hpp"

using namespace skerry;
using namespace skerry::twin;
using ports::quality;

namespace {

json::value parsed(std::string text) {
  for (auto& c : text)
    if (c == '\'') c = '"';
  std::string error;
  auto v = parse_json(text, error);
  BOOST_REQUIRE_MESSAGE(error.empty(), error);
  return v;
}

const char* const model =
    "{'metadata':{'name':'m'},'spec':{'properties':[{'name':'t','type':'FLOAT','accessMode':'ReadOnly','minimum':'-40',"
    "'maximum':'125'},{'name':'s','type':'INT','accessMode':'ReadWrite','maximum':'100'}]}}";

std::string manifest(const std::string& desired, const std::string& more_t = "", const std::string& more_s = "") {
  return "{'metadata':{'namespace':'default','name':'d','uid':'u1'},'spec':{'deviceModelRef':{'name':'m'},"
         "'protocol':{'protocolName':'modbus','configData':{'ip':'127.0.0.1'}},'properties':["
         "{'name':'t','collectCycle':100" +
         more_t +
         ",'visitors':{'configData':{'register':'InputRegister','offset':0,"
         "'scale':0.1}}},"
         "{'name':'s','collectCycle':500" +
         more_s + (desired.empty() ? "" : ",'desired':" + desired) +
         ",'visitors':{'configData':{'register':'HoldingRegister','offset':1}}}]}}";
}

/// A twin, its time, and the driver that answers it.
struct scene {
  core twin;
  moment now{1'000, 1'700'000'000'000};
  actions last;
  int told = 0;

  std::shared_ptr<const device_spec> spec(const std::string& text) {
    auto m = parsed(model);
    return std::make_shared<const device_spec>(parse_device(parsed(text), &m));
  }
  void start(const std::string& text) {
    twin.start(spec(text), nullptr, now);
    step();
  }
  const actions& step() {
    last = twin.step(now);
    told += last.tell ? 1 : 0;
    return last;
  }
  const actions& after(int64_t ms) {
    now.steady_ms += ms;
    now.wall_ms += ms;
    return step();
  }
  const actions& health(bool online, const char* why = "") {
    twin.on_health({online, why}, now);
    return step();
  }
  static ports::point_reading good(uint32_t point, uint16_t word) { return {point, quality::good, {}, {{word}, {}}}; }
  static ports::point_reading bad(uint32_t point, const char* why) { return {point, quality::bad, why, {}}; }
  const actions& answer(std::vector<ports::point_reading> r) {
    twin.on_readings(twin.read_number(), r, now);
    return step();
  }
  const actions& written(caf::error e = {}) {
    twin.on_written(twin.write_number(), e, now);
    return step();
  }
  /// "21.5 good", "21.5 bad: why"
  std::string shown(size_t i) {
    auto s = twin.status();
    const auto& t = s.at("twins").as_array().at(i);
    auto why = std::string{string_at(t, "reported.metadata.why")};
    return std::string{string_at(t, "reported.value")} + " " + std::string{string_at(t, "reported.metadata.quality")} +
           (why.empty() ? "" : ": " + why);
  }
  std::string observed(size_t i) {
    auto s = twin.status();
    return std::string{string_at(s.at("twins").as_array().at(i), "observedDesired.value")};
  }
  std::string state() { return std::string{string_at(json::value(twin.status()), "state")}; }
  std::string notes() {
    std::string out;
    for (const auto& n : last.notes) out += n.reason + " ";
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(core_suite)

BOOST_FIXTURE_TEST_CASE(polls_by_each_propertys_cycle, scene) {
  start(manifest(""));
  BOOST_TEST(last.read == (std::vector<uint32_t>{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(!last.tell);  // nothing is known yet
  health(true);
  BOOST_TEST(answer({good(0, 215), good(1, 7)}).tell);
  BOOST_TEST(shown(0) == "21.5 good");
  BOOST_TEST(shown(1) == "7 good");
  BOOST_TEST(state() == "online");
  BOOST_TEST(after(50).read.empty());
  BOOST_TEST(last.wake_ms == 1'100);
  BOOST_TEST((after(50).read == std::vector<uint32_t>{0}));
  BOOST_TEST(after(100).read.empty());  // one at a time
  answer({good(0, 216)});
  BOOST_TEST((last.read == std::vector<uint32_t>{0}));  // the cycle that passed meanwhile
  answer({good(0, 216)});
  BOOST_TEST((after(300).read == std::vector<uint32_t>{0, 1}));  // missed ones are not made up for
}

BOOST_FIXTURE_TEST_CASE(tells_at_once_and_then_by_the_report_cycle, scene) {
  start(manifest(""));
  health(true);
  BOOST_TEST(answer({good(0, 215), good(1, 7)}).tell);
  told = 0;
  for (int i = 1; i <= 30; ++i) {  // 3 s, a new value each 100 ms
    after(100);
    if (!last.read.empty()) answer({good(0, static_cast<uint16_t>(215 + i)), good(1, 7)});
  }
  BOOST_TEST(told == 3);
  after(1'000);
  answer({good(0, 245), good(1, 7)});
  after(1'000);
  told = 0;
  answer({good(0, 300), good(1, 7)});
  BOOST_TEST(told == 1);  // the last one was long ago: at once
  for (int i = 0; i < 50; ++i) {
    after(100);
    if (!last.read.empty()) answer({good(0, 300), good(1, 7)});
  }
  BOOST_TEST(told == 1);  // nothing changes, nothing is told
  told = 0;
  for (int i = 0; i < 700; ++i) {
    after(100);
    if (!last.read.empty()) answer({good(0, 300), good(1, 7)});
  }
  BOOST_TEST(told == 1);  // that it is alive
}

BOOST_FIXTURE_TEST_CASE(a_dead_band_and_what_is_not_for_the_cloud, scene) {
  auto text = manifest("", "", ",'reportToCloud':false");
  text.replace(text.find("'scale':0.1"), 11, "'scale':0.1,'deadBand':1");
  start(text);
  health(true);
  answer({good(0, 200), good(1, 7)});
  BOOST_TEST(twin.status().at("twins").as_array().size() == 1u);
  for (auto word : {205, 210, 191, 190}) {
    after(1'100);
    answer({good(0, static_cast<uint16_t>(word)), good(1, static_cast<uint16_t>(word))});
    BOOST_TEST(!last.tell, word);
  }
  after(1'100);
  BOOST_TEST(answer({good(0, 211), good(1, 7)}).tell);
}

BOOST_FIXTURE_TEST_CASE(a_desired_value_is_written_once_and_read_back, scene) {
  start(manifest("{'value':'30'}"));
  BOOST_REQUIRE(last.write);
  BOOST_TEST(last.write->point == 1u);
  BOOST_TEST((last.write->value.words == std::vector<uint16_t>{30}));
  health(true);
  answer({good(0, 215), good(1, 7)});
  BOOST_TEST(observed(1) == "");
  written();
  BOOST_TEST(observed(1) == "30");
  BOOST_TEST((last.read == std::vector<uint32_t>{1}));
  answer({good(1, 30)});
  BOOST_TEST(!last.write);
  // Somebody turns the knob at the device: it is not turned back.
  after(600);
  answer({good(0, 215), good(1, 12)});
  BOOST_TEST(!last.write);
  BOOST_TEST(shown(1) == "12 good");
  // Another desired value, and the same value anew.
  twin.change(spec(manifest("{'value':'31'}")), false, now);
  BOOST_REQUIRE(step().write);
  written();
  twin.change(spec(manifest("{'value':'31','metadata':{'timestamp':'2'}}")), false, now);
  BOOST_REQUIRE(step().write);
}

BOOST_FIXTURE_TEST_CASE(a_desired_value_waits_for_the_device, scene) {
  start(manifest("{'value':'30'}"));
  BOOST_REQUIRE(last.write);
  health(false, "refused");
  BOOST_TEST(notes() == "DeviceOffline ");
  written(make_error(errc::unavailable, "refused"));
  BOOST_TEST(!last.write);
  BOOST_TEST(notes() == "DesiredNotTaken ");
  BOOST_TEST(!after(900).write);
  BOOST_REQUIRE(after(200).write);
  written(make_error(errc::unavailable, "refused"));
  BOOST_TEST(notes() == "");  // said once
  BOOST_TEST(!after(1'500).write);
  BOOST_REQUIRE(health(true).write);  // no pause once it answers
  written();
  BOOST_TEST(observed(1) == "30");
}

BOOST_FIXTURE_TEST_CASE(a_desired_value_that_is_refused_is_not_tried_again, scene) {
  start(manifest("{'value':'30'}"));
  written(make_error(errc::invalid, "Illegal data value"));
  BOOST_TEST(notes() == "DesiredNotTaken ");
  auto s = twin.status();
  BOOST_TEST(string_at(s.at("twins").as_array()[1], "reported.metadata.desiredError").find("Illegal data value") !=
             std::string_view::npos);
  for (int i = 0; i < 100; ++i) BOOST_TEST(!after(1'000).write);
  twin.change(spec(manifest("{'value':'101'}")), false, now);
  BOOST_TEST(!step().write);  // above the model's maximum
  BOOST_TEST(notes() == "DesiredNotTaken ");
  twin.change(spec(manifest("{'value':'31'}")), false, now);
  BOOST_TEST(step().write.has_value());
}

BOOST_FIXTURE_TEST_CASE(quality_says_what_is_wrong, scene) {
  start(manifest(""));
  health(true);
  answer({good(0, 215), bad(1, "Illegal data address")});
  BOOST_TEST(shown(1) == " bad: Illegal data address");
  after(500);
  answer({good(0, 2'000), good(1, 7)});
  BOOST_TEST(shown(0) == "200 uncertain: above the model's maximum");
  BOOST_TEST(shown(1) == "7 good");
  BOOST_TEST(health(false, "no answer in time").tell);
  BOOST_TEST(notes() == "DeviceOffline ");
  BOOST_TEST(state() == "offline");
  BOOST_TEST(shown(1) == "7 uncertain: the device does not answer: no answer in time");
  after(500);
  answer({bad(0, "no answer in time"), bad(1, "no answer in time")});
  BOOST_TEST(shown(1) == "7 bad: no answer in time");  // the last value is still told
  after(500);
  health(true);
  answer({good(0, 215), good(1, 8)});
  BOOST_TEST(shown(1) == "8 good");
  BOOST_TEST(state() == "online");
}

BOOST_FIXTURE_TEST_CASE(a_driver_that_hangs_is_given_up, scene) {
  start(manifest("{'value':'30'}"));
  auto read = twin.read_number();
  after(limits::device_read_ms_max + 1'000);
  BOOST_TEST(shown(0) == " bad: the driver does not answer");
  BOOST_TEST(!last.read.empty());  // it is asked again
  BOOST_TEST(notes() == "DesiredNotTaken ");
  twin.on_readings(read, {good(0, 215)}, now);  // late: ignored
  BOOST_TEST(shown(0) == " bad: the driver does not answer");
}

BOOST_FIXTURE_TEST_CASE(news_of_a_device_are_read_at_once_but_not_without_end, scene) {
  start(manifest("", ",'collectCycle':60000", ",'collectCycle':60000"));
  health(true);
  answer({good(0, 215), good(1, 7)});
  after(1'000);
  twin.on_news(now);
  BOOST_TEST((step().read == std::vector<uint32_t>{0, 1}));
  answer({good(0, 216), good(1, 7)});
  size_t reads = 0;
  for (int i = 0; i < 1'000; ++i) {  // a flood for a second
    now.steady_ms += 1;
    now.wall_ms += 1;
    twin.on_news(now);
    if (step().read.empty()) continue;
    ++reads;
    answer({good(0, 216), good(1, 7)});
  }
  BOOST_TEST((reads > 40u && reads <= 101u), reads);
  auto old = good(0, 217);
  old.age_ms = 5'000;
  after(1'000);
  twin.on_news(now);
  step();
  answer({old, good(1, 7)});
  auto s = twin.status();
  BOOST_TEST(string_at(s.at("twins").as_array()[0], "reported.metadata.timestamp") ==
             std::to_string(now.wall_ms - 5'000));
}

BOOST_FIXTURE_TEST_CASE(goes_on_after_a_restart, scene) {
  start(manifest("{'value':'30'}"));
  health(true);
  answer({good(0, 215), good(1, 7)});
  written();
  auto kept = twin.state();
  core next;
  next.start(spec(manifest("{'value':'30'}")), &kept, now);
  twin = std::move(next);
  step();
  BOOST_TEST(!last.write);  // the device took it before
  BOOST_TEST(shown(0) == "21.5 uncertain: not read yet");
  BOOST_TEST(observed(1) == "30");
  auto other = manifest("{'value':'30'}");
  other.replace(other.find("u1"), 2, "u2");
  core another;
  another.start(spec(other), &kept, now);
  twin = std::move(another);
  BOOST_TEST(step().write.has_value());  // of another device of the name nothing is known
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_driven_says_why, scene) {
  auto d = std::make_shared<const device_spec>(parse_device(parsed(manifest("{'value':'3'}")), nullptr));
  twin.start(d, nullptr, now);
  BOOST_TEST(step().tell);
  BOOST_TEST((last.read.empty() && !last.write));
  BOOST_TEST(state() == "unknown");
  BOOST_TEST(string_at(json::value(twin.status()), "extensions.reason") == "its DeviceModel default/m does not exist");
  // Its model comes.
  auto now_with = spec(manifest("{'value':'3'}"));
  BOOST_TEST(!same_connection(*d, *now_with));
  twin.change(now_with, true, now);
  BOOST_TEST(!step().read.empty());
  auto text = manifest("");
  text.replace(text.find("'HoldingRegister'"), 17, "'NoRegister'");
  text.replace(text.find("'name':'t'"), 10, "'name':'x'");
  twin.change(spec(text), true, now);
  step();
  BOOST_TEST(shown(0) == " bad: its model has no property of this name");
  BOOST_TEST(shown(1).find("configData.register") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bluetooth_devices_are_read) {
  auto m = parsed(
      "{'spec':{'properties':[{'name':'t','type':'FLOAT'},{'name':'rssi','type':'INT'},{'name':'x','type':'INT'}]}}");
  auto d = parse_device(
      parsed("{'metadata':{'namespace':'n','name':'d'},'spec':{'protocol':{'protocolName':'BLE'},'properties':["
             "{'name':'t','visitors':{'configData':{'characteristicUUID':'2a6e','dataType':'int','scale':0.01}}},"
             "{'name':'rssi','visitors':{'configData':{'rssi':true}}},"
             "{'name':'x','visitors':{'configData':{'characteristicUUID':'?'}}}]}}"),
      &m);
  BOOST_TEST(d.protocol == "bluetooth");
  BOOST_REQUIRE(d.properties.size() == 3u);
  device::raw_value raw;
  raw.text = "\x66\x08";
  BOOST_TEST(*device::to_text(d.properties[0].how, raw) == "21.5");
  BOOST_TEST(d.properties[1].read_only);
  raw.text = "-60";
  BOOST_TEST(*device::to_text(d.properties[1].how, raw) == "-60");
  BOOST_TEST(d.properties[2].problem.find("characteristicUUID must be a UUID") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(devices_are_read) {
  auto m = parsed(model);
  auto d = parse_device(parsed(manifest("", ",'collectCycle':10000000000,'reportCycle':0")), &m);
  // The last of two equal keys counts.
  BOOST_TEST(d.properties[0].collect_ms == 10'000);
  BOOST_TEST(d.properties[0].report_ms == limits::report_cycle_ms_default);
  BOOST_TEST(d.warnings.size() == 1u);
  BOOST_TEST((d.properties[0].how.form == device::representation::signed_number));  // the minimum is below 0
  BOOST_TEST((d.properties[1].how.form == device::representation::unsigned_number));
  BOOST_TEST(d.properties[0].read_only);
  BOOST_TEST(!d.properties[1].read_only);
}

BOOST_AUTO_TEST_SUITE_END()
