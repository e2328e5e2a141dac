#include "drivers/device/plugin/driver.hpp"

#include <dlfcn.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "test/contract/device_contract.hpp"

using namespace skerry;
using ports::quality;

namespace {

const std::string directory = SKERRY_BINARY_DIR "/test_drivers";

ports::device_description mock(const std::string& mode, const std::vector<std::string>& values) {
  ports::device_description what{"plant/d", json::object{{"mode", mode}}, {}, "mock"};
  for (const auto& v : values) what.points.push_back({"p", v.empty() ? json::object{} : json::object{{"value", v}}});
  return what;
}

struct party {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ports::device_health> told;
  std::atomic<int> news{0};
  std::unique_ptr<ports::device_connection> line;

  party(ports::device_driver& driver, ports::device_description what) {
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
  std::vector<ports::point_reading> read(std::vector<uint32_t> points, uint32_t deadline_ms = 10'000) {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    line->read(std::move(points), deadline_ms, [p](auto r) { p->set_value(std::move(r)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
  caf::error write(const std::string& text, uint32_t deadline_ms = 10'000) {
    auto p = std::make_shared<std::promise<caf::error>>();
    auto answer = p->get_future();
    device::raw_value v;
    v.text = text;
    line->write(0, std::move(v), deadline_ms, [p](caf::error e) { p->set_value(std::move(e)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
  bool last_told(bool online) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return !told.empty() && told.back().online == online; });
  }
};

std::string refusal(ports::device_driver& driver, const std::string& protocol, errc code = errc::invalid) {
  auto what = mock("", {});
  what.protocol = protocol;
  auto c = driver.connect(std::move(what), {});
  BOOST_REQUIRE(!c);
  BOOST_TEST((code_of(c.error()) == code), message_of(c.error()));
  return message_of(c.error());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin_driver)

BOOST_AUTO_TEST_CASE(does_what_every_driver_does) {
  auto driver = drivers::plugin::make_drivers(directory);
  device::raw_value v;
  v.text = "42";
  for (const auto* mode : {"", "thread", "liar"})
    BOOST_TEST_CONTEXT(mode) contract::device_contract{*driver, mock(mode, {"21.5", "", "1"}), v}.run();
}

BOOST_AUTO_TEST_CASE(what_is_no_driver_is_refused_by_name) {
  auto driver = drivers::plugin::make_drivers(directory);
  BOOST_TEST(refusal(*driver, "absent", errc::not_found) ==
             "this node has no driver for protocol 'absent': there is no " + directory + "/absent.so");
  for (const auto* name : {"", "../mock", "a/b", "Mock", "a.b"}) {
    BOOST_TEST(!driver->drives(name));
    refusal(*driver, name, errc::not_found);
  }
  BOOST_TEST(driver->drives("mock"));
  BOOST_TEST(refusal(*driver, "newer").find("is made for version 2 of skerry_driver.h, this agent has version 1") !=
             std::string::npos);
  BOOST_TEST(refusal(*driver, "small").find("gives a table of") != std::string::npos);
  BOOST_TEST(refusal(*driver, "nameless").find("has no skerry_driver_main") != std::string::npos);

  auto place = std::filesystem::temp_directory_path() / ("skerry-plugin-" + std::to_string(::getpid()));
  std::filesystem::create_directories(place);
  std::ofstream{place / "text.so"} << "this is no shared object";
  std::filesystem::copy(directory + "/mock.so", place / "other.so");
  std::filesystem::copy(directory + "/mock.so", place / "open.so");
  std::filesystem::permissions(place / "open.so", std::filesystem::perms::all);
  auto there = drivers::plugin::make_drivers(place.string());
  BOOST_TEST(refusal(*there, "text").find("cannot be loaded: ") != std::string::npos);
  BOOST_TEST(refusal(*there, "other").find("is for protocol 'mock'") != std::string::npos);
  BOOST_TEST(refusal(*there, "open").find("may be written to by everybody") != std::string::npos);
  std::filesystem::remove_all(place);
}

BOOST_AUTO_TEST_CASE(devices_that_it_does_not_take_on) {
  auto driver = drivers::plugin::make_drivers(directory);
  party refused{*driver, mock("refuse", {"1"})};
  BOOST_TEST(refused.last_told(false));
  BOOST_TEST(refused.told.back().why == "configData.mode is refuse, of plant/d");
  BOOST_TEST(refused.read({0}).at(0).why == refused.told.back().why);
  BOOST_TEST((code_of(refused.write("1")) == errc::invalid));
  party thrown{*driver, mock("throw open", {"1"})};
  BOOST_TEST(thrown.last_told(false));
  // What is not there just now is tried again.
  party later{*driver, mock("later", {"1"})};
  BOOST_TEST(later.last_told(false));
  BOOST_TEST((code_of(later.write("1")) == errc::unavailable));
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (later.read({0}).at(0).state == quality::bad && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  BOOST_TEST(later.last_told(true));
}

BOOST_AUTO_TEST_CASE(answers_of_every_kind) {
  auto driver = drivers::plugin::make_drivers(directory);
  party p{*driver, mock("kinds", {"text", "i", "r", "b", std::string{"a\xff", 2}, "none", "nan", "odd",
                                  "why \xe2\x82\xac \xff"})};
  auto r = p.read({0, 1, 2, 3, 4, 5, 6, 7, 8});
  BOOST_TEST(r.at(0).value.text == "text");
  BOOST_TEST(r.at(0).age_ms == 7);
  BOOST_TEST(r.at(1).value.text == "-9223372036854775808");
  BOOST_TEST(r.at(2).value.text == "21.5");
  BOOST_TEST(r.at(3).value.text == "true");
  for (uint32_t bad : {5, 6, 7}) BOOST_TEST((r.at(bad).state == quality::bad));
  BOOST_TEST(r.at(5).why == "the driver gave a value of no kind");
  BOOST_TEST(r.at(6).why == "what came is no number");
  BOOST_TEST((r.at(8).state == quality::uncertain));
  BOOST_TEST(r.at(8).why == "why \xe2\x82\xac ?");
  BOOST_TEST((code_of(p.write("no")) == errc::invalid));
  BOOST_TEST(message_of(p.write("no")) == "it does not like no");
}

BOOST_AUTO_TEST_CASE(a_driver_that_answers_wrongly_or_not_at_all) {
  auto driver = drivers::plugin::make_drivers(directory);
  party mute{*driver, mock("mute", {"1"})};
  BOOST_TEST(mute.last_told(true));
  BOOST_TEST(mute.read({0}, 50).at(0).why == "driver mock did not answer in time");
  BOOST_TEST(mute.last_told(false));
  BOOST_TEST((code_of(mute.write("1", 50)) == errc::timed_out));
  party none{*driver, mock("short", {"1"})};
  BOOST_TEST(none.read({0}).at(0).why == "the driver gave no value of it");
  party wrong{*driver, mock("wrong", {"1"})};
  BOOST_TEST(wrong.read({0}).at(0).why == "the driver answered a read as a write");
  party thrown{*driver, mock("throw", {"1"})};
  BOOST_TEST(thrown.read({0}).at(0).why == "driver mock threw");
  BOOST_TEST(!thrown.write("2"));
  party liar{*driver, mock("liar", {"1"})};
  BOOST_TEST(liar.read({0}).at(0).value.text == "1");
  BOOST_TEST(liar.news == 1);
  BOOST_TEST(liar.told.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_waits_is_bounded) {
  auto driver = drivers::plugin::make_drivers(directory);
  party mute{*driver, mock("mute", {"1"})};
  std::atomic<int> answers{0}, too_many{0};
  for (int i = 0; i < 1'100; ++i)
    mute.line->read({0}, 60'000, [&](auto r) {
      ++answers;
      if (r.at(0).why == "too much waits for driver mock") ++too_many;
    });
  BOOST_TEST(answers == 76);
  BOOST_TEST(too_many == 76);
  mute.line.reset();
  BOOST_TEST(answers == 1'100);
}

BOOST_AUTO_TEST_CASE(what_a_driver_finds) {
  auto driver = drivers::plugin::make_drivers(directory);
  auto ask = [&](const char* answer) { return driver->discover("mock", json::object{{"answer", answer}}, 300); };
  auto found = ask("[{'name':'d'}]");
  BOOST_REQUIRE(found);
  BOOST_TEST(string_at(found->at(0), "name") == "d");
  BOOST_TEST((code_of(ask("refused").error()) == errc::invalid));
  BOOST_TEST((code_of(ask("{}").error()) == errc::corrupt));
  BOOST_TEST((code_of(ask("none").error()) == errc::timed_out));
  BOOST_TEST((code_of(driver->discover("absent", {}, 300).error()) == errc::not_found));
}

/// The last: what hangs is released at its end, for good.
BOOST_AUTO_TEST_CASE(a_driver_that_hangs) {
  auto driver = drivers::plugin::make_drivers(directory);
  auto hanging = std::make_unique<party>(*driver, mock("hang", {"1"}));
  party other{*driver, mock("", {"2"})};
  BOOST_TEST(hanging->last_told(true));
  BOOST_TEST(hanging->read({0}, 50).at(0).why == "driver mock did not answer in time");
  BOOST_TEST(hanging->last_told(false));
  BOOST_TEST(hanging->told.back().why == "driver mock does not answer");
  BOOST_TEST(other.read({0}, 50).at(0).why == "driver mock did not answer in time");
  BOOST_TEST(other.last_told(false));
  hanging.reset();  // does not wait for it
  auto* loaded = ::dlopen((directory + "/mock.so").c_str(), RTLD_NOW | RTLD_NOLOAD);
  BOOST_REQUIRE(loaded != nullptr);
  reinterpret_cast<void (*)()>(::dlsym(loaded, "mock_release"))();
  // The others go on by themselves.
  BOOST_TEST(other.read({0}).at(0).value.text == "2");
  BOOST_TEST(other.last_told(true));
}

BOOST_AUTO_TEST_SUITE_END()
