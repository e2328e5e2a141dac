#pragma once
#include <actors/ports/device.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <schema/error.hpp>

/// What every ports::device_driver does that asks its device. A test hands in its driver, a device with three points
/// (one that can be read, one that there is not, one that can be read and written), and a value for the last.
namespace skerry::contract {

class device_contract {
public:
  device_contract(ports::device_driver& driver, ports::device_description what, device::raw_value value)
      : driver_{driver}, what_{std::move(what)}, value_{std::move(value)} {}

  void run() {
    reads_each_point_once();
    writes_and_reads_back();
    answers_all_that_is_under_way_when_it_goes();
  }

private:
  struct told {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ports::device_health> health;
    bool closed = false, late = false;
  };
  static constexpr std::chrono::seconds patience{20};

  std::unique_ptr<ports::device_connection> connect(const std::shared_ptr<told>& t) {
    ports::device_listener listener;
    listener.on_health = [t](ports::device_health h) {
      std::lock_guard lock{t->mutex};
      t->late = t->late || t->closed;
      t->health.push_back(std::move(h));
      t->changed.notify_all();
    };
    auto c = driver_.connect(what_, std::move(listener));
    BOOST_REQUIRE_MESSAGE(c, (c ? "" : message_of(c.error())));
    return std::move(*c);
  }
  static std::vector<ports::point_reading> read(ports::device_connection& c, std::vector<uint32_t> points) {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    c.read(std::move(points), 5'000, [p](auto r) { p->set_value(std::move(r)); });
    BOOST_REQUIRE(answer.wait_for(patience) == std::future_status::ready);
    // Of a device that speaks by itself there may be several of a point: the last is what is now.
    std::vector<ports::point_reading> out;
    for (auto& r : answer.get()) {
      std::erase_if(out, [&](auto& x) { return x.point == r.point; });
      out.push_back(std::move(r));
    }
    return out;
  }
  static caf::error write(ports::device_connection& c, uint32_t point, device::raw_value v) {
    auto p = std::make_shared<std::promise<caf::error>>();
    auto answer = p->get_future();
    c.write(point, std::move(v), 5'000, [p](caf::error e) { p->set_value(std::move(e)); });
    BOOST_REQUIRE(answer.wait_for(patience) == std::future_status::ready);
    return answer.get();
  }

  void reads_each_point_once() {
    auto t = std::make_shared<told>();
    auto c = connect(t);
    auto end = std::chrono::steady_clock::now() + patience;
    auto r = read(*c, {0, 1, 2, 77});  // one that the description has not is left out
    while (r.at(0).state != ports::quality::good && std::chrono::steady_clock::now() < end) r = read(*c, {0, 1, 2, 77});
    BOOST_REQUIRE(r.size() == 3u);
    std::sort(r.begin(), r.end(), [](auto& a, auto& b) { return a.point < b.point; });
    for (uint32_t i = 0; i < 3; ++i) BOOST_TEST(r[i].point == i);
    BOOST_TEST((r[0].state == ports::quality::good), r[0].why);
    BOOST_TEST((r[1].state == ports::quality::bad));
    BOOST_TEST(!r[1].why.empty());
    BOOST_TEST((r[2].state == ports::quality::good), r[2].why);
    std::unique_lock lock{t->mutex};
    BOOST_TEST(t->changed.wait_for(lock, patience, [&] { return !t->health.empty() && t->health.back().online; }));
  }
  void writes_and_reads_back() {
    auto c = connect(std::make_shared<told>());
    auto end = std::chrono::steady_clock::now() + patience;
    auto e = write(*c, 2, value_);
    while (e && std::chrono::steady_clock::now() < end) e = write(*c, 2, value_);
    BOOST_TEST(!e, message_of(e));
    BOOST_TEST((read(*c, {2}).at(0).value == value_));
    BOOST_TEST((code_of(write(*c, 77, value_)) == errc::invalid));
  }
  void answers_all_that_is_under_way_when_it_goes() {
    constexpr size_t many = 50;
    auto t = std::make_shared<told>();
    auto counts = std::make_shared<std::array<std::atomic<int>, 2 * many>>();
    auto c = connect(t);
    for (size_t i = 0; i < many; ++i) {
      c->read({0}, 5'000, [counts, i](auto) { ++(*counts)[i]; });
      c->write(2, value_, 5'000, [counts, i](caf::error) { ++(*counts)[many + i]; });
    }
    c.reset();
    {
      std::lock_guard lock{t->mutex};
      t->closed = true;
    }
    auto end = std::chrono::steady_clock::now() + patience;
    auto all = [&] { return std::all_of(counts->begin(), counts->end(), [](auto& n) { return n == 1; }); };
    while (!all() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    BOOST_TEST(all(), "each read and write is answered once");
    // Another device of the driver works on, and in the meantime nothing more was said of the first.
    BOOST_TEST(read(*connect(std::make_shared<told>()), {0}).size() == 1u);
    BOOST_TEST(all());
    std::lock_guard lock{t->mutex};
    BOOST_TEST(!t->late);
  }

  ports::device_driver& driver_;
  ports::device_description what_;
  device::raw_value value_;
};

}  // namespace skerry::contract
