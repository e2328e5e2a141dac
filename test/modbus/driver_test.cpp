#include "drivers/device/modbus/driver.hpp"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <future>

#include "schema/error.hpp"
#include "test/contract/device_contract.hpp"
#include "test/json.hpp"
#include "test/modbus/server.hpp"

using namespace skerry;
using ports::quality;

namespace {

using test::parsed;

ports::device_point point(const char* kind, int offset, int limit = 1) {
  return {"p", parsed("{'register':'" + std::string{kind} + "','offset':" + std::to_string(offset) +
                      ",'limit':" + std::to_string(limit) + "}")};
}

/// A device on a server, and what it says.
struct scene {
  test::modbus_server server;
  std::unique_ptr<ports::device_driver> driver = drivers::modbus::make_driver();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ports::device_health> told;
  std::unique_ptr<ports::device_connection> device;

  std::string address(const std::string& more = "") {
    return "{'ip':'127.0.0.1','port':'" + std::to_string(server.port()) + "','slaveID':1,'timeout':200" + more + "}";
  }
  void connect(std::vector<ports::device_point> points, const std::string& more = "") {
    auto c = driver->connect({"default/d", parsed(address(more)), std::move(points)}, {[this](ports::device_health h) {
                               std::lock_guard lock{mutex};
                               told.push_back(std::move(h));
                               changed.notify_all();
                             }});
    BOOST_REQUIRE_MESSAGE(c, (c ? "" : message_of(c.error())));
    device = std::move(*c);
  }
  std::vector<ports::point_reading> read(std::vector<uint32_t> points, uint32_t deadline_ms = 5000) {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    device->read(std::move(points), deadline_ms, [p](auto r) { p->set_value(std::move(r)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    auto out = answer.get();
    std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.point < b.point; });
    return out;
  }
  caf::error write(uint32_t at, device::raw_value v) {
    auto p = std::make_shared<std::promise<caf::error>>();
    auto answer = p->get_future();
    device->write(at, std::move(v), 5000, [p](caf::error e) { p->set_value(std::move(e)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
  /// Reads until it succeeds, or does no more.
  bool reads(bool good) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end)
      if ((read({0})[0].state == quality::good) == good) return true;
    return false;
  }
  bool last_told(bool online) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return !told.empty() && told.back().online == online; });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(modbus_driver)

BOOST_FIXTURE_TEST_CASE(reads_the_four_kinds, scene) {
  server.with([](modbus_mapping_t& m) {
    m.tab_bits[3] = 1;
    m.tab_input_bits[4] = 1;
    m.tab_input_registers[5] = 0x1234;
    m.tab_registers[6] = 7;
    m.tab_registers[7] = 8;
  });
  connect({point("CoilRegister", 3), point("DiscreteInputRegister", 3, 2), point("InputRegister", 5),
           point("HoldingRegister", 6, 2)});
  auto r = read({0, 1, 2, 3});
  BOOST_REQUIRE(r.size() == 4u);
  for (auto& x : r) BOOST_TEST((x.state == quality::good), x.why);
  BOOST_TEST((r[0].value.bits == std::vector<bool>{true}));
  BOOST_TEST((r[1].value.bits == std::vector<bool>{false, true}));
  BOOST_TEST((r[2].value.words == std::vector<uint16_t>{0x1234}));
  BOOST_TEST((r[3].value.words == std::vector<uint16_t>{7, 8}));
  BOOST_TEST(last_told(true));
}

BOOST_FIXTURE_TEST_CASE(writes_coils_and_registers, scene) {
  connect({point("CoilRegister", 1), point("CoilRegister", 10, 3), point("HoldingRegister", 2),
           point("HoldingRegister", 20, 2), point("InputRegister", 3)});
  BOOST_TEST(!write(0, {{}, {true}}));
  BOOST_TEST(!write(1, {{}, {true, false, true}}));
  BOOST_TEST(!write(2, {{77}, {}}));
  BOOST_TEST(!write(3, {{1, 2}, {}}));
  BOOST_TEST((code_of(write(4, {{1}, {}})) == errc::invalid));
  BOOST_TEST((code_of(write(3, {{1}, {}})) == errc::invalid));
  BOOST_TEST((code_of(write(99, {{1}, {}})) == errc::invalid));
  server.with([](modbus_mapping_t& m) {
    BOOST_TEST(m.tab_bits[1] == 1);
    BOOST_TEST((m.tab_bits[10] == 1 && m.tab_bits[11] == 0 && m.tab_bits[12] == 1));
    BOOST_TEST(m.tab_registers[2] == 77);
    BOOST_TEST((m.tab_registers[20] == 1 && m.tab_registers[21] == 2));
  });
}

BOOST_FIXTURE_TEST_CASE(merges_blocks_and_takes_them_apart_where_one_register_is_missing, scene) {
  std::vector<ports::device_point> points;
  for (int i = 0; i < 20; ++i) points.push_back(point("HoldingRegister", i * 2));
  points.push_back(point("HoldingRegister", 98));
  points.push_back(point("HoldingRegister", 105));  // there is none
  connect(std::move(points));
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < 20; ++i) all.push_back(i);
  BOOST_TEST(read(all).size() == 20u);
  BOOST_TEST(server.requests() == 1);
  auto r = read({20, 21});
  BOOST_TEST((r[0].state == quality::good), r[0].why);
  BOOST_TEST((r[1].state == quality::bad));
  BOOST_TEST(r[1].why.find("Illegal data address") != std::string::npos, r[1].why);
  BOOST_TEST(server.requests() == 4);  // together, then each for itself
  read({20, 21});
  BOOST_TEST(server.requests() == 6);
  BOOST_TEST(last_told(true));  // a device that refuses is there
  BOOST_TEST((code_of(write(21, {{1}, {}})) == errc::invalid));
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_dies_is_bad_and_comes_back_by_itself, scene) {
  connect({point("HoldingRegister", 1)});
  BOOST_TEST(reads(true));
  auto where = server.port();
  server.stop();
  BOOST_TEST(reads(false));
  BOOST_TEST(last_told(false));
  BOOST_TEST(!told.back().why.empty());
  BOOST_TEST((code_of(write(0, {{1}, {}})) == errc::unavailable));
  server.start(where);
  BOOST_TEST(reads(true));
  BOOST_TEST(last_told(true));
}

BOOST_FIXTURE_TEST_CASE(a_silent_peer_is_bad_within_its_deadline, scene) {
  connect({point("HoldingRegister", 1)});
  BOOST_TEST(reads(true));
  server.silent(true);
  auto r = read({0});
  BOOST_TEST((r[0].state == quality::bad));
  BOOST_TEST(r[0].why == "no answer in time");
  BOOST_TEST(last_told(false));
  server.silent(false);
  BOOST_TEST(reads(true));
  BOOST_TEST(last_told(true));
}

BOOST_FIXTURE_TEST_CASE(configurations_that_cannot_be_used, scene) {
  auto refused = driver->connect({"default/d", parsed("{'ip':'127.0.0.1','port':'a lot'}"), {}}, {});
  BOOST_REQUIRE(!refused);
  BOOST_TEST((code_of(refused.error()) == errc::invalid));
  BOOST_TEST(message_of(refused.error()).find("port") != std::string::npos);
  connect({point("HoldingRegister", 1), point("NoRegister", 1)});
  auto r = read({0, 1, 7});
  BOOST_REQUIRE(r.size() == 2u);
  BOOST_TEST((r[0].state == quality::good));
  BOOST_TEST((r[1].state == quality::bad));
  BOOST_TEST(r[1].why.find("register") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_waits_is_answered_when_a_device_is_closed, scene) {
  server.silent(true);
  connect({point("HoldingRegister", 1)});
  std::atomic<int> answers{0};
  std::promise<void> all;
  auto done = [&](auto) {
    if (++answers == 50) all.set_value();
  };
  for (int i = 0; i < 50; ++i) device->read({0}, 5000, done);
  device.reset();
  BOOST_TEST((all.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready));
  BOOST_TEST(answers == 50);
}

BOOST_AUTO_TEST_CASE(does_what_every_driver_does) {
  scene s;
  ports::device_description what{"default/d", parsed(s.address()), {}};
  what.points = {point("HoldingRegister", 1), point("HoldingRegister", 150, 100), point("HoldingRegister", 2)};
  contract::device_contract{*s.driver, std::move(what), {{42}, {}}}.run();
}

BOOST_AUTO_TEST_CASE(finds_what_answers) {
  scene s;
  auto where = parsed("{'ip':'127.0.0.1','port':'" + std::to_string(s.server.port()) + "','slaveID':'7'}").as_object();
  auto found = s.driver->discover("modbus", where, 10'000);
  BOOST_REQUIRE_MESSAGE(found, (found ? "" : message_of(found.error())));
  BOOST_REQUIRE(found->size() == 1u);
  BOOST_TEST(string_at(found->at(0), "name") == "unit-7");
  BOOST_TEST(array_at(found->at(0), "properties").size() == 4u);
  s.server.silent(true);
  auto none = s.driver->discover("modbus", where, 10'000);
  BOOST_TEST((code_of(none.error()) == errc::unavailable));
  BOOST_TEST((code_of(s.driver->discover("modbus", {}, 10'000).error()) == errc::invalid));
}

BOOST_AUTO_TEST_SUITE_END()
