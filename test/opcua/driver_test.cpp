// The driver for OPC UA as the agent has it: a shared object behind its host, against a real server.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "drivers/device/plugin/driver.hpp"
#include "test/contract/device_contract.hpp"
#include "test/opcua/server.hpp"

using namespace skerry;
using ports::quality;

namespace {

uint16_t free_port() {
  auto s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  BOOST_REQUIRE(::bind(s, reinterpret_cast<sockaddr*>(&name), size) == 0);
  ::getsockname(s, reinterpret_cast<sockaddr*>(&name), &size);
  ::close(s);
  return ntohs(name.sin_port);
}

ports::device_description pump(uint16_t port, const std::vector<std::string>& nodes) {
  ports::device_description what{
      "plant/pump",
      json::object{{"url", "opc.tcp://127.0.0.1:" + std::to_string(port)}, {"samplingInterval", 20}},
      {},
      "opcua"};
  for (const auto& n : nodes) what.points.push_back({n, json::object{{"nodeID", n}}});
  return what;
}

struct scene {
  uint16_t port = free_port();
  std::unique_ptr<test::opcua_server> server = std::make_unique<test::opcua_server>(port);
  std::unique_ptr<ports::device_driver> driver = drivers::plugin::make_drivers(SKERRY_BINARY_DIR "/lib/skerry/drivers");
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ports::device_health> told;
  std::atomic<int> news{0};
  std::unique_ptr<ports::device_connection> device;

  void connect(const std::vector<std::string>& nodes) {
    ports::device_listener l;
    l.on_health = [this](ports::device_health h) {
      std::lock_guard lock{mutex};
      told.push_back(std::move(h));
      changed.notify_all();
    };
    l.on_news = [this] { ++news; };
    auto c = driver->connect(pump(port, nodes), std::move(l));
    BOOST_REQUIRE_MESSAGE(c, (c ? "" : message_of(c.error())));
    device = std::move(*c);
  }
  ports::point_reading read(uint32_t point) {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    device->read({point}, 5'000, [p](auto r) { p->set_value(std::move(r)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get().back();
  }
  caf::error write(uint32_t point, const std::string& text) {
    auto p = std::make_shared<std::promise<caf::error>>();
    auto answer = p->get_future();
    device::raw_value v;
    v.text = text;
    device->write(point, std::move(v), 5'000, [p](caf::error e) { p->set_value(std::move(e)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
  template <class F>
  static bool until(F&& f) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (f()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool last_told(bool online) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return !told.empty() && told.back().online == online; });
  }
};

/// Variables of all types that a property can be, and of one that it cannot.
void add_all(test::opcua_server& s) {
  UA_Boolean b = true;
  UA_SByte i8 = -8;
  UA_Byte u8 = 8;
  UA_Int16 i16 = -16;
  UA_UInt16 u16 = 16;
  UA_Int32 i32 = -32;
  UA_UInt32 u32 = 32;
  UA_Int64 i64 = INT64_MIN;
  UA_UInt64 u64 = UINT64_MAX;
  UA_Float f = 21.2F;
  UA_Double d = 0.1;
  auto text = UA_STRING(const_cast<char*>("pump"));
  auto local = UA_LOCALIZEDTEXT(const_cast<char*>("en"), const_cast<char*>("local"));
  UA_DateTime time = UA_DATETIME_UNIX_EPOCH + 1'500 * UA_DATETIME_MSEC;
  UA_NodeId node = UA_NODEID_NUMERIC(0, 1);
  s.add("bool", &b, UA_TYPES[UA_TYPES_BOOLEAN]);
  s.add("i8", &i8, UA_TYPES[UA_TYPES_SBYTE]);
  s.add("u8", &u8, UA_TYPES[UA_TYPES_BYTE]);
  s.add("i16", &i16, UA_TYPES[UA_TYPES_INT16]);
  s.add("u16", &u16, UA_TYPES[UA_TYPES_UINT16]);
  s.add("i32", &i32, UA_TYPES[UA_TYPES_INT32]);
  s.add("u32", &u32, UA_TYPES[UA_TYPES_UINT32]);
  s.add("i64", &i64, UA_TYPES[UA_TYPES_INT64]);
  s.add("u64", &u64, UA_TYPES[UA_TYPES_UINT64]);
  s.add("f", &f, UA_TYPES[UA_TYPES_FLOAT]);
  s.add("d", &d, UA_TYPES[UA_TYPES_DOUBLE]);
  s.add("text", &text, UA_TYPES[UA_TYPES_STRING]);
  s.add("local", &local, UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
  s.add("time", &time, UA_TYPES[UA_TYPES_DATETIME]);
  s.add("node", &node, UA_TYPES[UA_TYPES_NODEID]);
  s.add("locked", &d, UA_TYPES[UA_TYPES_DOUBLE], false);
}

struct row {
  const char *node, *read, *write,
      *refused;  ///< what is there; what can be written; what cannot (empty: nothing is tried)
};
constexpr row rows[] = {
    {"ns=1;s=bool", "true", "false", "2"},
    {"ns=1;s=i8", "-8", "127", "128"},
    {"ns=1;s=u8", "8", "255", "-1"},
    {"ns=1;s=i16", "-16", "-32768", "32768"},
    {"ns=1;s=u16", "16", "42", "65536"},
    {"ns=1;s=i32", "-32", "2147483647", "1.5"},
    {"ns=1;s=u32", "32", "4294967295", "x"},
    {"ns=1;s=i64", "-9223372036854775808", "9223372036854775807", "9223372036854775808"},
    {"ns=1;s=u64", "18446744073709551615", "18446744073709551614", "18446744073709551616"},
    {"ns=1;s=f", "21.2", "0.5", "1e39"},
    {"ns=1;s=d", "0.1", "-2.25", "nan"},
    {"ns=1;s=text", "pump", "a longer text", ""},
    {"ns=1;s=local", "local", "other", ""},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(opcua_driver)

BOOST_AUTO_TEST_CASE(does_what_every_driver_does) {
  scene s;
  add_all(*s.server);
  s.server->start();
  device::raw_value v;
  v.text = "42";
  contract::device_contract{*s.driver, pump(s.port, {"ns=1;s=d", "ns=1;s=none", "ns=1;s=u16"}), v}.run();
}

BOOST_AUTO_TEST_CASE(values_of_all_types) {
  scene s;
  add_all(*s.server);
  s.server->start();
  std::vector<std::string> nodes;
  for (const auto& r : rows) nodes.emplace_back(r.node);
  for (const auto* more : {"ns=1;s=time", "ns=1;s=node", "ns=1;s=locked", "no node"}) nodes.emplace_back(more);
  s.connect(nodes);
  BOOST_TEST(s.last_told(true));
  for (uint32_t i = 0; i < std::size(rows); ++i) BOOST_TEST_CONTEXT(rows[i].node) {
      BOOST_TEST(scene::until([&] { return s.read(i).value.text == rows[i].read; }), s.read(i).why);
      if (*rows[i].refused != '\0') BOOST_TEST((code_of(s.write(i, rows[i].refused)) == errc::invalid));
      BOOST_TEST(!s.write(i, rows[i].write));
      BOOST_TEST(scene::until([&] { return s.read(i).value.text == rows[i].write; }), s.read(i).value.text);
    }
  uint32_t at = std::size(rows);
  BOOST_TEST(s.read(at).value.text == "1970-01-01T00:00:01.500Z");
  BOOST_TEST(s.read(at + 1).why == "the variable is a NodeId, which is no value of a property");
  auto refused = s.write(at + 2, "1");
  BOOST_TEST((code_of(refused) == errc::invalid), message_of(refused));
  BOOST_TEST(s.read(at + 3).why.find("configData.nodeID") != std::string::npos);
  BOOST_TEST((code_of(s.write(at + 3, "1")) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(all_that_was_said_is_read_once_in_order) {
  scene s;
  add_all(*s.server);
  s.server->start();
  s.connect({"ns=1;s=i32"});
  BOOST_TEST(scene::until([&] { return s.read(0).said != 0; }));
  for (int i = 1; i <= 5; ++i) {
    auto before = s.news.load();
    BOOST_TEST(!s.write(0, std::to_string(i)));
    if (i == 1) BOOST_TEST(scene::until([&] { return s.news > before; }));
  }
  std::vector<std::string> said;
  uint64_t number = 0;
  auto take = [&] {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    s.device->read({0}, 5'000, [p](auto r) { p->set_value(std::move(r)); });
    for (auto& r : answer.get())
      if (r.said > number) {
        number = r.said;
        said.push_back(r.value.text);
      }
    return !said.empty() && said.back() == "5";
  };
  BOOST_TEST(scene::until(take));
  BOOST_TEST(std::is_sorted(said.begin(), said.end()));
  BOOST_TEST(said.size() >= 2u);  // those between that lived shorter than samplingInterval were not seen by the server
  auto before = said.size();
  take();
  BOOST_TEST(said.size() == before);
}

BOOST_AUTO_TEST_CASE(a_server_that_goes_and_comes_back) {
  scene s;
  s.connect({"ns=1;s=d"});  // nobody is there yet
  BOOST_TEST(s.last_told(false));
  BOOST_TEST((s.read(0).state == quality::bad));
  BOOST_TEST(s.read(0).why.find("no session with opc.tcp://127.0.0.1:") != std::string::npos, s.read(0).why);
  BOOST_TEST((code_of(s.write(0, "1")) == errc::unavailable));
  add_all(*s.server);
  s.server->start();
  BOOST_TEST(s.last_told(true));
  BOOST_TEST(scene::until([&] { return s.news > 0 && s.read(0).value.text == "0.1"; }));
  s.server->stop();
  BOOST_TEST(s.last_told(false));
  BOOST_TEST((s.read(0).state == quality::bad));
  s.server = std::make_unique<test::opcua_server>(s.port);
  add_all(*s.server);
  s.server->start();
  BOOST_TEST(s.last_told(true));
  auto before = s.news.load();
  BOOST_TEST(!s.write(0, "7.5"));
  BOOST_TEST(scene::until([&] { return s.news > before && s.read(0).value.text == "7.5"; }));
}

BOOST_AUTO_TEST_SUITE_END()
