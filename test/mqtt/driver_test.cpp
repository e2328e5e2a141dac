#include "drivers/device/mqtt/driver.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <future>
#include <mutex>

#include "schema/error.hpp"
#include "test/json.hpp"
#include "test/mqtt/broker.hpp"

using namespace skerry;
using ports::quality;

namespace {

using test::parsed;

/// A twin's side of a device, or the device's own.
struct party {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ports::device_health> told;
  std::atomic<size_t> news{0};
  std::unique_ptr<ports::device_connection> line;

  party(ports::device_driver& driver, const std::string& address, std::vector<std::string> points) {
    ports::device_description what{"plant/d", parsed(address), {}};
    for (auto& p : points) what.points.push_back({"p" + std::to_string(what.points.size()), parsed(p)});
    ports::device_listener l;
    l.on_health = [this](ports::device_health h) {
      std::lock_guard lock{mutex};
      told.push_back(std::move(h));
      changed.notify_all();
    };
    l.on_news = [this] { ++news; };
    auto c = driver.connect(std::move(what), std::move(l));
    BOOST_REQUIRE_MESSAGE(c, (c ? "" : message_of(c.error())));
    line = std::move(*c);
  }
  ~party() { line.reset(); }
  std::vector<ports::point_reading> read_all(uint32_t point) {
    std::promise<std::vector<ports::point_reading>> p;
    line->read({point}, 1'000, [&](auto r) { p.set_value(std::move(r)); });
    return p.get_future().get();
  }
  ports::point_reading read(uint32_t point) { return read_all(point).back(); }
  caf::error write(uint32_t point, const std::string& text) {
    auto p = std::make_shared<std::promise<caf::error>>();
    auto answer = p->get_future();
    device::raw_value v;
    v.text = text;
    line->write(point, std::move(v), 5'000, [p](caf::error e) { p->set_value(std::move(e)); });
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
  bool reads(uint32_t point, const std::string& text) {
    return until([&] {
      auto r = read(point);
      return r.state == quality::good && r.value.text == text;
    });
  }
  bool says(uint32_t point, const std::string& text) {
    return until([&] { return !write(point, text); });
  }
  bool last_told(bool online) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return !told.empty() && told.back().online == online; });
  }
};

std::string address_of(const test::broker& b, const std::string& more = "") {
  return "{'ip':'127.0.0.1','port':" + std::to_string(b.port()) + more + "}";
}

const char* const says_state = "{'topic':'unused/1','setTopic':'plant/d/state','qos':1,'retain':true}";
const char* const says_online = "{'topic':'unused/2','setTopic':'plant/d/online','qos':1,'retain':true}";
const char* const hears_set = "{'topic':'plant/d/set'}";

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_driver)

BOOST_AUTO_TEST_CASE(each_message_is_read_once_and_in_order) {
  test::broker b;
  auto driver = drivers::mqtt::make_driver();
  party thing{*driver, address_of(b, ",'clientId':'thing'"), {"{'topic':'unused','setTopic':'plant/d/n','qos':1}"}};
  party twin{*driver, address_of(b), {"{'topic':'plant/d/n'}"}};
  BOOST_REQUIRE(party::until([&] { return !thing.write(0, "0") && twin.read(0).state == quality::good; }));
  auto before = twin.read(0);
  BOOST_TEST(before.said == twin.read(0).said);  // nothing new
  for (int i = 1; i <= 100; ++i) BOOST_REQUIRE(!thing.write(0, std::to_string(i)));
  std::vector<ports::point_reading> all;
  auto last = before.said;
  BOOST_TEST(party::until([&] {
    for (auto& r : twin.read_all(0))
      if (std::exchange(last, r.said) != r.said) all.push_back(std::move(r));
    return !all.empty() && all.back().value.text == "100";
  }));
  std::vector<int> values;
  for (const auto& r : all)
    if (r.value.text != "0") values.push_back(std::stoi(r.value.text));
  BOOST_TEST(values.size() == 100U);
  BOOST_TEST(std::is_sorted(values.begin(), values.end()));
}

BOOST_AUTO_TEST_CASE(hears_what_a_device_says_and_says_what_is_desired) {
  test::broker b;
  auto driver = drivers::mqtt::make_driver();
  party thing{*driver, address_of(b, ",'clientId':'thing'"), {says_state, hears_set}};
  party twin{*driver,
             address_of(b),
             {"{'topic':'{namespace}/{name}/state','pointer':'/climate/t'}",
              "{'topic':'plant/d/state','pointer':'/on','setTopic':'plant/d/"
              "set','setTemplate':'{\\\'cmd\\\':{value}}','qos':1}",
              "{'topic':'plant/+/nothing'}", "{'topic':'plant/#/bad'}"}};
  BOOST_TEST(thing.says(0, R"({"climate":{"t":21.5},"on":true})"));
  BOOST_TEST(twin.reads(0, "21.5"));
  BOOST_TEST(twin.reads(1, "true"));
  BOOST_TEST(twin.last_told(true));
  BOOST_TEST(party::until([&] { return twin.news >= 1; }));
  BOOST_TEST(twin.read(2).why.find("nothing has come on plant/+/nothing") != std::string::npos);
  BOOST_TEST(twin.read(3).why.find("configData.topic") != std::string::npos);
  BOOST_TEST(twin.says(1, "false"));
  BOOST_TEST(thing.reads(1, "{\"cmd\":false}"));
  BOOST_TEST((code_of(twin.write(2, "1")) == errc::invalid));  // a topic with wildcards says not where
  // What is no value is bad, and says why; the next one is good again.
  BOOST_TEST(thing.says(0, "{\"climate\":"));
  BOOST_TEST(party::until([&] { return twin.read(0).why.find("no JSON") != std::string::npos; }));
  BOOST_TEST(thing.says(0, R"({"climate":{}})"));
  BOOST_TEST(party::until([&] { return twin.read(0).why.find("nothing at /climate/t") != std::string::npos; }));
  BOOST_TEST(thing.says(0, R"({"climate":{"t":"22"}})"));
  BOOST_TEST(twin.reads(0, "22"));
  // Who comes later hears what is retained.
  party late{*driver, address_of(b), {"{'topic':'plant/d/state','pointer':'/climate/t'}"}};
  BOOST_TEST(late.reads(0, "22"));
}

BOOST_AUTO_TEST_CASE(a_broker_that_dies_is_bad_and_comes_back_by_itself) {
  test::broker b;
  auto driver = drivers::mqtt::make_driver();
  party thing{*driver, address_of(b, ",'clientId':'thing'"), {says_state}};
  party twin{*driver, address_of(b), {"{'topic':'plant/d/state'}"}};
  BOOST_TEST(thing.says(0, "1"));
  BOOST_TEST(twin.reads(0, "1"));
  b.stop();
  BOOST_TEST(twin.last_told(false));
  BOOST_TEST((twin.read(0).state == quality::bad));
  BOOST_TEST(!twin.read(0).why.empty());
  BOOST_TEST(party::until([&] { return code_of(thing.write(0, "2")) == errc::unavailable; }));
  b.start();
  BOOST_TEST(thing.says(0, "3"));
  BOOST_TEST(twin.reads(0, "3"));
  BOOST_TEST(twin.last_told(true));
}

BOOST_AUTO_TEST_CASE(users_and_passwords) {
  test::broker b{"allow_anonymous false\npassword_file DIRECTORY/passwords\n"};
  auto driver = drivers::mqtt::make_driver();
  party stranger{*driver, address_of(b), {"{'topic':'plant/d/state'}"}};
  BOOST_TEST(stranger.last_told(false));
  BOOST_TEST(stranger.told.back().why.find("not authorised") != std::string::npos, stranger.told.back().why);
  party thing{*driver, address_of(b, ",'username':'plant','password':'s3cret','clientId':'thing'"), {says_state}};
  // As KubeEdge's mapper has it, in the visitor.
  party twin{*driver, address_of(b), {"{'topic':'plant/d/state','username':'plant','password':'s3cret'}"}};
  BOOST_TEST(thing.says(0, "1"));
  BOOST_TEST(twin.reads(0, "1"));
}

BOOST_AUTO_TEST_CASE(tls_and_client_certificates) {
  test::broker b{
      "allow_anonymous true\ncafile DIRECTORY/ca.pem\ncertfile DIRECTORY/server.pem\nkeyfile DIRECTORY/server.key\n"
      "require_certificate true\n"};
  auto driver = drivers::mqtt::make_driver();
  auto tls = [&](const char* ca, const char* own) {
    auto at = "'" + b.directory() + "/";
    return address_of(b, ",'caFile':" + at + ca + ".pem'" +
                             (*own == '\0' ? "" : ",'certFile':" + at + own + ".pem','keyFile':" + at + own + ".key'") +
                             ",'clientId':'" + ca + own + "'");
  };
  party thing{*driver, tls("ca", "node"), {says_state}};
  BOOST_TEST(thing.says(0, "1"));
  party twin{*driver, tls("ca", "server"), {"{'topic':'plant/d/state'}"}};
  BOOST_TEST(twin.reads(0, "1"));
  for (auto [ca, own] : {std::pair{"other", "node"}, {"ca", ""}, {"ca", "other"}, {"missing", "node"}}) {
    BOOST_TEST_CONTEXT(ca << " " << own) {
      party stranger{*driver, tls(ca, own), {"{'topic':'plant/d/state'}"}};
      BOOST_TEST(stranger.last_told(false));
      BOOST_TEST((stranger.read(0).state == quality::bad));
    }
  }
  party plain{*driver, address_of(b), {"{'topic':'plant/d/state'}"}};
  BOOST_TEST(plain.last_told(false));
}

BOOST_AUTO_TEST_CASE(a_device_says_itself_that_it_is_offline_or_is_silent) {
  test::broker b;
  auto driver = drivers::mqtt::make_driver();
  party thing{*driver, address_of(b, ",'clientId':'thing'"), {says_state, says_online}};
  party twin{*driver, address_of(b, ",'stateTopic':'plant/d/online'"), {"{'topic':'plant/d/state'}"}};
  party silent{*driver, address_of(b, ",'timeout':300,'clientId':'x'"), {"{'topic':'plant/d/state'}"}};
  BOOST_TEST(thing.says(1, "online"));
  BOOST_TEST(thing.says(0, "5"));
  BOOST_TEST(twin.last_told(true));
  BOOST_TEST(twin.reads(0, "5"));
  BOOST_TEST(silent.last_told(false));
  BOOST_TEST(silent.told.back().why == "nothing was heard of it for 300 ms");
  BOOST_TEST(thing.says(1, "offline"));
  BOOST_TEST(twin.last_told(false));
  auto r = twin.read(0);
  BOOST_TEST((r.state == quality::uncertain));
  BOOST_TEST(r.value.text == "5");
  BOOST_TEST(r.age_ms >= 0);
  BOOST_TEST(thing.says(1, "online"));
  BOOST_TEST(twin.last_told(true));
}

BOOST_AUTO_TEST_CASE(a_flood_is_looked_at_and_told_of_once_until_it_is_read) {
  test::broker b;
  auto driver = drivers::mqtt::make_driver();
  party thing{*driver, address_of(b, ",'clientId':'thing'"), {"{'topic':'unused','setTopic':'plant/d/state'}"}};
  party twin{*driver, address_of(b), {"{'topic':'plant/d/state'}"}};
  BOOST_TEST(thing.says(0, "0"));
  BOOST_TEST(party::until([&] { return thing.says(0, "0") && twin.news > 0; }));
  for (int i = 1; i <= 5'000; ++i) party::until([&] { return !thing.write(0, std::to_string(i)); });
  BOOST_TEST(twin.news == 1u);
  BOOST_TEST(twin.reads(0, "5000"));
}

BOOST_AUTO_TEST_CASE(configurations_that_cannot_be_used) {
  auto driver = drivers::mqtt::make_driver();
  for (const auto* text :
       {"{}", "{'ip':'h','port':0}", "{'ip':'h','cleanSession':false}", "{'ip':'h','stateTopic':'a#'}"}) {
    auto c = driver->connect({"plant/d", parsed(text), {}}, {});
    BOOST_REQUIRE(!c);
    BOOST_TEST((code_of(c.error()) == errc::invalid));
  }
}

BOOST_AUTO_TEST_SUITE_END()
