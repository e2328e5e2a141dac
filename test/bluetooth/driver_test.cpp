#include "drivers/device/bluetooth/driver.hpp"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <filesystem>

#include "schema/error.hpp"
#include "test/bluetooth/party.hpp"
#include "test/bluetooth/server.hpp"

using namespace skerry;
using namespace skerry::drivers::bluetooth;
using ports::quality;
using test::fake_radio;
using test::party;
using test::until;

namespace {

constexpr patience quick{400, 20, 200, 30};
const char* const address = "{'macAddress':'00:AA:01:00:00:23','timeout':400}";

std::shared_ptr<fake_radio::shared> thermometer() {
  auto s = std::make_shared<fake_radio::shared>();
  s->server.service(0x181a);
  s->server.characteristic(0x2a6e, 0x12, "\x66\x08");  // 5: tells
  s->server.characteristic(0x2a6f, 0x0a, "ab");        // read, write
  s->server.service(0x180f);
  s->server.characteristic(0x2a19, 0x0a, "d");
  return s;
}
constexpr uint16_t temperature = 3;

std::unique_ptr<ports::device_driver> driver_of(const std::shared_ptr<fake_radio::shared>& s) {
  return make_driver(std::make_unique<fake_radio>(s), quick);
}

size_t threads() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {}));
}

const std::vector<std::string> points = {"{'characteristicUUID':'2a6e'}", "{'characteristicUUID':'2a6f'}",
                                         "{'characteristicUUID':'2a19'}", "{'rssi':true}",
                                         "{'characteristicUUID':'2aff'}", "{'characteristicUUID':'nothing'}"};

}  // namespace

BOOST_AUTO_TEST_SUITE(bluetooth_driver)

BOOST_AUTO_TEST_CASE(reads_writes_and_hears) {
  auto s = thermometer();
  auto driver = driver_of(s);
  party p{*driver, address, points};
  auto all = p.read({0, 1, 2, 3, 4, 5});
  BOOST_REQUIRE(all.size() == 6u);
  BOOST_TEST(all[0].value.text == "\x66\x08");
  BOOST_TEST(all[1].value.text == "ab");
  BOOST_TEST(all[2].value.text == "d");
  BOOST_TEST(all[3].value.text == "-61");
  for (size_t i : {0, 1, 2, 3}) BOOST_TEST((all[i].state == quality::good));
  BOOST_TEST(all[4].why == "the device has no characteristic 2aff");
  BOOST_TEST(all[5].why.find("characteristicUUID must be a UUID") != std::string::npos);
  BOOST_TEST(p.last_told(true));
  // What tells by itself is not asked again, and says that there is news, once until it is read.
  auto asked = s->server.requests;
  s->tell(temperature, "\x67\x08");
  s->tell(temperature, "\x68\x08", test::att::indication);
  BOOST_TEST(until([&] { return p.read(0).value.text == "\x68\x08"; }));
  BOOST_TEST(p.news >= 1u);
  BOOST_TEST(p.read(0).age_ms >= 0);
  BOOST_TEST(s->server.requests == asked);
  BOOST_TEST(!p.write(1, "xyz"));
  BOOST_TEST(p.read(1).value.text == "xyz");
  BOOST_TEST((code_of(p.write(0, "x")) == errc::invalid));
  BOOST_TEST((code_of(p.write(3, "x")) == errc::invalid));
  BOOST_TEST((code_of(p.write(4, "x")) == errc::invalid));
  BOOST_TEST((code_of(p.write(9, "x")) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(a_lost_link_is_bad_and_comes_back_by_itself) {
  auto s = thermometer();
  auto driver = driver_of(s);
  party p{*driver, address, points};
  BOOST_TEST(until([&] { return p.read(0).state == quality::good; }));
  s->reachable = false;
  s->drop();
  BOOST_TEST(p.last_told(false));
  BOOST_TEST((p.read(0).state == quality::bad));
  BOOST_TEST(until([&] { return p.why().find("address: is it on, near") != std::string::npos; }));
  BOOST_TEST((code_of(p.write(1, "x")) == errc::unavailable));
  s->reachable = true;
  BOOST_TEST(p.last_told(true));
  BOOST_TEST(until([&] { return p.read(0).state == quality::good; }));
  BOOST_TEST(s->server.told_to_tell(temperature));
}

BOOST_AUTO_TEST_CASE(a_device_that_falls_silent) {
  auto s = thermometer();
  auto driver = driver_of(s);
  party p{*driver, address, points};
  BOOST_TEST(until([&] { return p.read(1).state == quality::good; }));
  s->silent = true;
  BOOST_TEST((p.read(1).state == quality::bad));
  BOOST_TEST(p.last_told(false));
  BOOST_TEST(p.why().find("within 400 ms") != std::string::npos, p.why());
  s->silent = false;
  BOOST_TEST(p.last_told(true));
  BOOST_TEST(until([&] { return p.read(1).state == quality::good; }));
}

BOOST_AUTO_TEST_CASE(a_device_that_sends_garbage_harms_no_other) {
  auto good = thermometer();
  auto bad = thermometer();
  bad->instead = [](test::att::view) { return test::att::bytes(200, 0xff); };
  auto one = driver_of(good), two = driver_of(bad);
  party p{*one, address, points}, q{*two, address, points};
  BOOST_TEST(q.last_told(false));
  BOOST_TEST(until([&] { return p.read(0).state == quality::good; }));
  BOOST_TEST((q.read(0).state == quality::bad));
}

BOOST_AUTO_TEST_CASE(both_kinds_of_address_are_tried) {
  auto s = thermometer();
  s->type = device::bluetooth_address_type::random_address;
  auto driver = driver_of(s);
  party p{*driver, address, points};
  BOOST_TEST(p.last_told(true));
  party q{*driver, "{'macAddress':'00:AA:01:00:00:24','addressType':'public'}", points};
  BOOST_TEST(q.last_told(false));
  BOOST_TEST(q.why().find("by its public address") != std::string::npos, q.why());
}

BOOST_AUTO_TEST_CASE(protection) {
  auto s = thermometer();
  s->server.at(temperature).refuses = test::att::insufficient_encryption;
  auto driver = driver_of(s);
  {
    party p{*driver, address, points};
    BOOST_TEST(until([&] { return p.read(0).state == quality::good; }));
    BOOST_TEST(s->security == 2);
  }
  s->server.at(temperature).refuses = test::att::insufficient_authentication;
  party p{*driver, address, points};
  BOOST_TEST(until([&] { return p.read(0).why.find("pair it on the node, with bluetoothctl") != std::string::npos; }));
  BOOST_TEST((p.read(1).state == quality::good));
}

BOOST_AUTO_TEST_CASE(a_connection_that_another_program_had) {
  auto s = thermometer();
  s->locked = 2;
  auto driver = driver_of(s);
  party p{*driver, address, points};
  BOOST_TEST(p.last_told(true));
  BOOST_TEST(s->locked == 0);
  BOOST_TEST(until([&] { return p.read(0).state == quality::good; }));
}

BOOST_AUTO_TEST_CASE(a_machine_without_bluetooth) {
  auto s = thermometer();
  s->bluetooth = false;
  auto driver = driver_of(s);
  party p{*driver, address, points};
  BOOST_TEST(p.last_told(false));
  BOOST_TEST(p.why() == "this machine has no Bluetooth");
  BOOST_TEST(p.read(0).why == "this machine has no Bluetooth");
  s->bluetooth = true;
  BOOST_TEST(p.last_told(true));
}

BOOST_AUTO_TEST_CASE(the_radio_of_this_machine_answers_or_says_why_not) {
  auto driver = make_driver(make_bluez_radio(), quick);
  party p{*driver, address, points};
  BOOST_TEST(p.last_told(false));  // nobody has this address
  BOOST_TEST(!p.why().empty());
  BOOST_TEST_MESSAGE(p.why());
}

BOOST_AUTO_TEST_CASE(a_thread_only_where_there_is_a_device) {
  auto s = thermometer();
  auto driver = make_driver(make_bluez_radio(), quick);
  auto before = threads();
  auto p = std::make_unique<party>(*driver, address, points);
  BOOST_TEST(threads() == before + 1);
  p.reset();
  BOOST_TEST(until([&] { return threads() == before; }));
}

BOOST_AUTO_TEST_CASE(what_is_under_way_is_answered_when_a_device_goes) {
  auto s = thermometer();
  s->silent = true;
  auto driver = driver_of(s);
  std::promise<std::vector<ports::point_reading>> answer;
  auto said = answer.get_future();
  {
    party p{*driver, address, points};
    p.line->read({0}, 60'000, [&](auto r) { answer.set_value(std::move(r)); });
  }
  BOOST_REQUIRE(said.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  BOOST_TEST((said.get().at(0).state == quality::bad));
}

BOOST_AUTO_TEST_CASE(configurations_that_cannot_be_used) {
  auto s = thermometer();
  auto driver = driver_of(s);
  for (const auto* text : {"{}", "{'macAddress':'x'}", "{'macAddress':'00:AA:01:00:00:23','adapter':'x'}"}) {
    auto c = driver->connect({"plant/d", test::parsed(text), {}}, {});
    BOOST_REQUIRE(!c);
    BOOST_TEST((code_of(c.error()) == errc::invalid));
  }
}

BOOST_AUTO_TEST_SUITE_END()
