#pragma once
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "actors/ports/device.hpp"
#include "schema/error.hpp"
#include "test/json.hpp"

namespace skerry::test {

template <class F>
bool until(F&& f, int seconds = 30) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (f()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

/// A twin's side of a device.
struct party {
  std::mutex mutex;
  std::condition_variable changed;
  ports::device_health told;
  bool told_once = false;
  std::atomic<size_t> news{0};
  std::unique_ptr<ports::device_connection> line;

  party(ports::device_driver& driver, const std::string& address, const std::vector<std::string>& points) {
    ports::device_description what{"plant/d", parsed(address), {}};
    for (const auto& p : points) what.points.push_back({"p" + std::to_string(what.points.size()), parsed(p)});
    ports::device_listener l;
    l.on_health = [this](ports::device_health h) {
      std::lock_guard lock{mutex};
      told = std::move(h);
      told_once = true;
      changed.notify_all();
    };
    l.on_news = [this] { ++news; };
    auto c = driver.connect(std::move(what), std::move(l));
    BOOST_REQUIRE_MESSAGE(c, (c ? "" : message_of(c.error())));
    line = std::move(*c);
  }
  std::vector<ports::point_reading> read(std::vector<uint32_t> points) {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    line->read(std::move(points), 5'000, [p](auto r) { p->set_value(std::move(r)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
  ports::point_reading read(uint32_t point) { return read(std::vector<uint32_t>{point}).at(0); }
  caf::error write(uint32_t point, const std::string& bytes) {
    auto p = std::make_shared<std::promise<caf::error>>();
    auto answer = p->get_future();
    device::raw_value v;
    v.text = bytes;
    line->write(point, std::move(v), 5'000, [p](caf::error e) { p->set_value(std::move(e)); });
    BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
  bool last_told(bool online, int seconds = 30) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds(seconds), [&] { return told_once && told.online == online; });
  }
  std::string why() {
    std::lock_guard lock{mutex};
    return told.why;
  }
};

}  // namespace skerry::test
