#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "drivers/device/bluetooth/driver.hpp"
#include "test/bluetooth/party.hpp"

// Against BlueZ itself as the peripheral: run by test/guest/bluetooth alone, which prepares it.

using namespace skerry;
using namespace skerry::drivers::bluetooth;
using ports::quality;
using test::party;
using test::until;

namespace {

std::string from_environment(const char* name) {
  const auto* v = std::getenv(name);
  BOOST_REQUIRE_MESSAGE(v != nullptr, std::string{name} + " is not set: run test/guest/bluetooth");
  return v;
}
std::string address_of(const std::string& mac) { return "{'macAddress':'" + mac + "','adapter':'hci1'}"; }

const std::vector<std::string> points = {
    "{'characteristicUUID':'12345678-1234-5678-1234-56789abc0001'}",
    "{'characteristicUUID':'2a00','serviceUUID':'1800'}", "{'rssi':true}",
    "{'characteristicUUID':'12345678-1234-5678-1234-56789abc0001','notify':false}"};

const std::vector<std::string> protected_points = {"{'characteristicUUID':'12345678-1234-5678-1234-56789abc0002'}",
                                                   "{'characteristicUUID':'2a00','serviceUUID':'1800'}"};

/// One for all cases, so that it keeps its pause between two connections to a device.
ports::device_driver& the_driver() {
  static auto driver = make_driver(make_bluez_radio());
  return *driver;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bluetooth_guest, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(scans) {
  auto peer = from_environment("SKERRY_BLE_PEER");
  auto air = make_bluez_radio();
  advertisement found;
  BOOST_REQUIRE(until([&] {
    auto heard = air->scan("hci1", std::chrono::seconds(2));
    BOOST_REQUIRE_MESSAGE(heard, (heard ? "" : message_of(heard.error())));
    for (const auto& a : *heard)
      if (a.mac == peer) found = a;
    return !found.mac.empty();
  }));
  std::cout << "heard " << found.mac << " '" << found.name << "' at " << found.rssi << " dBm\n";
  BOOST_TEST((found.type == device::bluetooth_address_type::public_address));
  BOOST_TEST(found.connectable);
  BOOST_TEST(found.rssi <= 127);
  auto none = air->scan("hci7", std::chrono::seconds(1));
  BOOST_REQUIRE(!none);
  BOOST_TEST(message_of(none.error()).find("hci7") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lives_with_a_peripheral) {
  auto peer = from_environment("SKERRY_BLE_PEER"), local = from_environment("SKERRY_BLE_LOCAL");
  auto control = from_environment("SKERRY_BLE_CONTROL");
  party p{the_driver(), address_of(peer), points};
  BOOST_REQUIRE_MESSAGE(p.last_told(true, 60), p.why());
  BOOST_TEST(p.read(0).value.text == "21.5");
  BOOST_TEST(p.read(1).value.text.find("edge-peer") != std::string::npos, p.read(1).value.text);
  auto signal = p.read(2);
  std::cout << "signal: " << signal.value.text << " " << signal.why << "\n";
  BOOST_TEST((signal.state == quality::good || !signal.why.empty()));
  // The peripheral tells of what is written to it.
  auto news = p.news.load();
  BOOST_TEST(!p.write(0, "23.0"));
  BOOST_TEST(until([&] { return p.news > news; }));
  BOOST_TEST(p.read(0).value.text == "23.0");
  BOOST_TEST((p.read(1).state == quality::good));

  std::cout << "the peripheral ends the connection\n";
  auto begun = std::chrono::steady_clock::now();
  std::ofstream{control, std::ios::app} << "disconnect " << local << std::endl;
  BOOST_REQUIRE(p.last_told(false, 30));
  std::cout << "offline after "
            << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count()
            << " ms: " << p.why() << "\n";
  BOOST_TEST((p.read(0).state == quality::bad));
  BOOST_REQUIRE_MESSAGE(p.last_told(true, 60), p.why());
  BOOST_TEST(until([&] { return p.read(0).value.text == "23.0"; }));
  news = p.news.load();
  BOOST_TEST(!p.write(0, "24.5"));
  BOOST_TEST(until([&] { return p.news > news; }));
  BOOST_TEST(until([&] { return p.read(0).value.text == "24.5"; }));
}

BOOST_AUTO_TEST_CASE(a_characteristic_that_wants_encryption) {
  auto where = address_of(from_environment("SKERRY_BLE_PEER"));
  ports::point_reading r;
  {
    // The first time nobody lets it be paired: that one is bad and says what to do, the others go on.
    party p{the_driver(), where, protected_points};
    BOOST_TEST(until([&] { return (r = p.read(0)).why.find("pair it on the node") != std::string::npos; }, 60));
    std::cout << "unpaired: " << r.why << "\n";
    BOOST_TEST(until([&] { return p.read(1).state == quality::good; }));
  }
  party p{the_driver(), where, protected_points};
  BOOST_TEST(until([&] { return (r = p.read(0)).value.text == "42"; }, 60));
  std::cout << "paired: " << r.value.text << " " << r.why << " " << p.why() << "\n";
  BOOST_TEST((p.read(1).state == quality::good));
}

BOOST_AUTO_TEST_CASE(a_device_that_is_not_there) {
  auto driver = make_driver(make_bluez_radio(), {4'000, 1'000, 4'000, 4'000});
  party p{*driver, address_of("00:AA:01:FF:00:99"), points};
  BOOST_REQUIRE(p.last_told(false));
  BOOST_TEST(p.why().find("is it on, near") != std::string::npos, p.why());
  BOOST_TEST((p.read(0).state == quality::bad));
}

BOOST_AUTO_TEST_SUITE_END()
