#include "actors/twin/host.hpp"
#include "sim/ports/sim_device.hpp"
#include "test/node/world.hpp"

using namespace skerry;
using node::testing::world;

namespace {

const char* const devices = "devices.devices.kubeedge.io";
const char* const models = "devicemodels.devices.kubeedge.io";

struct heard {
  std::map<std::string, std::string> statuses;  ///< by name
  std::vector<std::string> events;
  size_t count = 0;
  bool refuses = false;
};

caf::behavior link_of(caf::event_based_actor*, heard* h) {
  return {
      [=](const link::report_device_status& r) -> caf::result<void> {
        if (h->refuses) return make_error(errc::full, "journal is full");
        h->statuses[r.device.name] = r.json;
        ++h->count;
        return caf::unit;
      },
      [=](const link::report_event& r) -> caf::result<void> {
        if (h->refuses) return make_error(errc::full, "journal is full");
        h->events.push_back(r.json);
        return caf::unit;
      },
  };
}

/// A node with its agent, and the host and pool of its devices.
struct scene : world {
  sim::sim_device_driver driver;
  heard cloud_heard;
  caf::actor devices_link = sys.spawn(link_of, &cloud_heard);
  caf::actor twins;

  scene() {
    start();
    start_host();
    driver.at("shop/d").registers = {{0, 215}, {1, 7}};
    driver.at("shop/e").registers = {{0, 1}, {1, 2}};
  }
  ~scene() {
    stop_host();
    caf::anon_send_exit(devices_link, caf::exit_reason::kill);
    devices_link = nullptr;
    settle();
  }
  void start_host() {
    twins = sys.spawn(supervisors::pool, supervisors::pool_args{parts, "/node/n1/twin"});
    host = sys.spawn(twin::host, host_of());
    settle();
  }
  twin::host_args host_of() {
    return {ctx,
            "/node/n1/devices",
            "n1",
            "/node/n1/twin",
            kv,
            {&driver},
            [this] { return agent; },
            [this] { return devices_link; },
            [this] { return twins; }};
  }
  void kill_host() {
    caf::anon_send_exit(host, caf::exit_reason::kill);
    host = nullptr;
    settle();
  }
  void stop_host() {
    kill_host();
    caf::anon_send_exit(twins, caf::exit_reason::user_shutdown);
    twins = nullptr;
    settle();
  }
  void put_model() {
    put(models, R"({"metadata":{"name":"m","namespace":"shop","uid":"m1"},"spec":{"properties":[
      {"name":"t","type":"FLOAT","accessMode":"ReadOnly"},{"name":"s","type":"INT","accessMode":"ReadWrite"}]}})");
  }
  void put_device(const std::string& name, const std::string& desired = "", const std::string& protocol = "modbus") {
    put(devices, R"({"metadata":{"name":")" + name + R"(","namespace":"shop","uid":"u-)" + name +
                     R"("},"spec":{"nodeName":"n1","deviceModelRef":{"name":"m"},"protocol":{"protocolName":")" +
                     protocol + R"(","configData":{"ip":"h"}},"properties":[
      {"name":"t","collectCycle":500,"visitors":{"configData":{"register":"InputRegister","offset":0,"scale":0.1}}},
      {"name":"s","collectCycle":500,)" +
                     (desired.empty() ? "" : R"("desired":{"value":")" + desired + R"("},)") +
                     R"("visitors":{"configData":{"register":"HoldingRegister","offset":1}}}]}})");
  }
  /// "online 21.5 good, 7 good"
  std::string shown(const std::string& name) {
    auto i = cloud_heard.statuses.find(name);
    if (i == cloud_heard.statuses.end()) return "nothing";
    auto s = json::parse(i->second);
    std::string out{string_at(s, "state")};
    for (const auto& t : array_at(s, "twins"))
      out += (&t == &array_at(s, "twins")[0] ? " " : ", ") + std::string{string_at(t, "reported.value")} + " " +
             std::string{string_at(t, "reported.metadata.quality")};
    return out;
  }
  bool kept(const std::string& id) {
    auto v = kv.get("twin/" + id);
    return v && v->has_value();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(twin_actors)

BOOST_FIXTURE_TEST_CASE(a_device_that_is_placed_here_lives_and_goes, scene) {
  put_model();
  put_device("d");
  pass(100);
  BOOST_TEST(shown("d") == "online 21.5 good, 7 good");
  BOOST_TEST((directory.find("/node/n1/twin/shop/d") != nullptr));
  BOOST_TEST(kept("shop/d"));
  BOOST_TEST(cloud_heard.events.size() == 1u);
  driver.at("shop/d").registers[0] = 220;
  pass(2'000);
  BOOST_TEST(shown("d") == "online 22 good, 7 good");
  drop(devices, "d", "u-d");
  pass(100);
  auto reads = driver.at("shop/d").reads;
  pass(5'000);
  BOOST_TEST(driver.at("shop/d").reads == reads);
  BOOST_TEST((directory.find("/node/n1/twin/shop/d") == nullptr));
  BOOST_TEST(!kept("shop/d"));
}

BOOST_FIXTURE_TEST_CASE(a_twin_answers_who_asks_it, scene) {
  put_model();
  put_device("d");
  pass(1'000);
  std::optional<letter<schema::TwinView>> out;
  caf::actor asker = sys.spawn([&](caf::event_based_actor* self) {
    self->request(directory.find("/node/n1/twin/shop/d"), caf::infinite,
                  letter<schema::AskTwin>::build([](schema::AskTwin::Builder) {}))
        .then([&](const letter<schema::TwinView>& v) { out = v; }, [](const caf::error&) {});
  });
  settle();
  BOOST_REQUIRE((out));
  auto text = [](auto t) { return std::string{reinterpret_cast<const char*>(t.begin()), t.size()}; };
  BOOST_TEST(text((**out).getName()) == "d");
  BOOST_TEST(text((**out).getState()) == "online");
  BOOST_TEST(text((**out).getStatus()).find("\"21.5\"") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_is_desired_is_written_once, scene) {
  put_model();
  put_device("d", "30");
  pass(1'000);
  BOOST_TEST(driver.at("shop/d").registers[1] == 30);
  put_device("d", "31");
  pass(1'100);
  BOOST_TEST(driver.at("shop/d").registers[1] == 31);
  BOOST_TEST(shown("d") == "online 21.5 good, 31 good");
  BOOST_TEST(driver.at("shop/d").connections == 1u);  // another value is no reason to connect anew
  BOOST_TEST(driver.at("shop/d").writes == 2u);
  pass(5'000);
  BOOST_TEST(driver.at("shop/d").writes == 2u);
}

BOOST_FIXTURE_TEST_CASE(crashes_of_twin_host_and_agent_lose_nothing, scene) {
  put_model();
  put_device("d", "30");
  pass(2'000);
  auto writes = driver.at("shop/d").writes;
  auto alive = [&](const char* what) {
    BOOST_TEST_CONTEXT(what) {
      driver.at("shop/d").registers[0] += 10;
      char value[16];
      std::snprintf(value, sizeof value, "%g", driver.at("shop/d").registers[0] / 10.0);
      pass(5'000);
      BOOST_TEST(shown("d") == "online " + std::string{value} + " good, 30 good");
      BOOST_TEST(driver.at("shop/d").writes == writes);  // it was taken before
    }
  };
  caf::anon_send_exit(directory.find("/node/n1/twin/shop/d"), caf::exit_reason::kill);
  settle();
  alive("a twin was killed");
  kill_host();
  host = sys.spawn(twin::host, host_of());
  settle();
  alive("the host was killed");
  caf::anon_send_exit(twins, caf::exit_reason::kill);
  settle();
  twins = sys.spawn(supervisors::pool, supervisors::pool_args{parts, "/node/n1/twin"});
  alive("the pool was killed");
  kill_agent();
  start_agent();
  put_device("d", "30");
  alive("the agent was killed");
}

BOOST_FIXTURE_TEST_CASE(it_goes_on_after_a_restart_of_all_without_a_cloud, scene) {
  put_model();
  put_device("d", "30");
  pass(2'000);
  stop_host();
  kill_all();
  start();
  start_host();
  cloud_heard.statuses.clear();
  driver.at("shop/d").registers[0] = 300;
  pass(3'000);
  BOOST_TEST(shown("d") == "online 30 good, 30 good");
  BOOST_TEST(driver.at("shop/d").writes == 1u);
  // A power cut may take what was not synced: then the value is written once more.
  stop_host();
  kill_all();
  kv.crash();
  start();
  start_host();
  pass(3'000);
  BOOST_TEST(shown("d") == "online 30 good, 30 good");
  BOOST_TEST(driver.at("shop/d").writes <= 2u);
}

BOOST_FIXTURE_TEST_CASE(a_device_that_went_while_nobody_was_there_is_forgotten, scene) {
  put_model();
  put_device("d");
  pass(1'000);
  BOOST_TEST(kept("shop/d"));
  stop_host();
  drop(devices, "d", "u-d");
  start_host();
  pass(1'000);
  BOOST_TEST(!kept("shop/d"));
}

BOOST_FIXTURE_TEST_CASE(one_that_hangs_harms_no_other, scene) {
  put_model();
  put_device("d");
  put_device("e");
  pass(1'000);
  driver.at("shop/d").hangs = true;
  driver.at("shop/e").registers[0] = 50;
  pass(10'000);
  BOOST_TEST(shown("e") == "online 5 good, 2 good");
  BOOST_TEST(shown("d") == "online 21.5 bad, 7 bad");
  driver.release("shop/d");
  pass(3'000);
  BOOST_TEST(shown("d") == "online 21.5 good, 7 good");
  driver.at("shop/d").online = false;
  pass(3'000);
  BOOST_TEST(shown("d") == "offline 21.5 bad, 7 bad");
}

BOOST_FIXTURE_TEST_CASE(what_the_link_refuses_is_told_later_the_latest_of_each, scene) {
  cloud_heard.refuses = true;
  put_model();
  put_device("d");
  pass(3'000);
  driver.at("shop/d").registers[0] = 250;
  pass(3'000);
  BOOST_TEST(shown("d") == "nothing");
  cloud_heard.refuses = false;
  cloud_heard.count = 0;
  pass(2'000);
  BOOST_TEST(shown("d") == "online 25 good, 7 good");
  BOOST_TEST(cloud_heard.count == 1u);
  BOOST_TEST(cloud_heard.events.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_driven_says_why, scene) {
  put_device("d");  // before its model
  pass(1'000);
  BOOST_TEST(shown("d") == "unknown  bad,  bad");
  BOOST_TEST(cloud_heard.statuses["d"].find("its DeviceModel shop/m does not exist") != std::string::npos);
  put_model();
  pass(2'000);
  BOOST_TEST(shown("d") == "online 21.5 good, 7 good");
  put_device("e", "", "smoke-signals");
  pass(1'000);
  BOOST_TEST(cloud_heard.statuses["e"].find("no driver for protocol 'smoke-signals'") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
