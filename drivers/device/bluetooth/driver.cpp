#include "drivers/device/bluetooth/driver.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "drivers/device/bluetooth/peripheral.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::bluetooth {
namespace {

constexpr size_t devices_max = 1'000, inbox_max = 65'536;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

using spec_ptr = std::shared_ptr<const peripheral_spec>;

/// All devices, and the thread that works on them while there is one.
class central {
public:
  central(std::unique_ptr<radio> air, const patience& p) : air_(std::move(air)), patience_(p) {}
  ~central() {
    if (thread_.joinable()) {
      {
        std::lock_guard lock{mutex_};
        stopping_ = true;
        wake();
      }
      thread_.join();
    }
    if (bell_ >= 0) ::close(bell_);
  }

  bool add(const spec_ptr& s) {
    std::lock_guard lock{mutex_};
    if (users_ >= devices_max) return false;
    if (bell_ < 0) bell_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell_ < 0) return false;
    ++users_;
    inbox_.push_back({letter::add, s, {}});
    if (!running_) {
      if (thread_.joinable()) thread_.join();  // it has left its loop
      running_ = true;
      thread_ = std::thread([this] { run(); });
    } else {
      wake();
    }
    return true;
  }
  void remove(const spec_ptr& s) {
    std::lock_guard lock{mutex_};
    --users_;
    inbox_.push_back({letter::remove, s, {}});
    wake();
  }
  void work(const spec_ptr& s, job j) {
    {
      std::lock_guard lock{mutex_};
      if (inbox_.size() < inbox_max) {
        inbox_.push_back({letter::work, s, std::move(j)});
        wake();
        return;
      }
    }
    refuse(j, make_error(errc::too_many, "too much waits for Bluetooth"));
  }

private:
  struct letter {
    enum kind : uint8_t { add, remove, work } what;
    spec_ptr who;
    job task;
  };

  void wake() const {
    uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(bell_, &one, sizeof one);
  }

  void run() {
    while (take_letters()) {
      std::vector<pollfd> waits{{bell_, POLLIN, 0}};
      std::vector<peripheral*> whose{nullptr};
      auto due = INT64_MAX;
      for (auto& [s, p] : devices_) {
        p->tick(now_ms());
        due = std::min(due, p->due_ms());
        if (p->fd() < 0) continue;
        waits.push_back({p->fd(), p->events(), 0});
        whose.push_back(p.get());
      }
      auto left = due == INT64_MAX ? -1 : std::clamp<int64_t>(due - now_ms(), 0, 60'000);
      if (::poll(waits.data(), waits.size(), static_cast<int>(left)) <= 0) continue;
      uint64_t rung = 0;
      if (waits[0].revents != 0) [[maybe_unused]]
        auto n = ::read(bell_, &rung, sizeof rung);
      for (size_t i = 1; i < waits.size(); ++i)
        if (waits[i].revents != 0) whose[i]->on_socket(waits[i].revents, now_ms());
    }
  }

  /// Does what came in; false if there is no device any more.
  bool take_letters() {
    std::vector<letter> letters;
    bool stop = false;
    {
      std::lock_guard lock{mutex_};
      letters.swap(inbox_);
      stop = stopping_;
      if (letters.empty() && (stop || devices_.empty())) {
        running_ = false;
        if (!stop) return false;
      }
    }
    for (auto& l : letters) take(l);
    if (!stop) return true;
    for (auto& [s, p] : devices_) p->close(now_ms());
    devices_.clear();
    return false;
  }

  void take(letter& l) {
    auto now = now_ms();
    if (l.what == letter::add) {
      std::erase_if(quiet_, [now](const auto& q) { return q.second <= now; });
      auto quiet = quiet_.find(l.who->address.mac);
      devices_[l.who] =
          std::make_unique<peripheral>(l.who, *air_, patience_, quiet == quiet_.end() ? 0 : quiet->second);
      return;
    }
    auto at = devices_.find(l.who);
    if (l.what == letter::work) {
      if (at != devices_.end()) return at->second->add(std::move(l.task), now);
      return refuse(l.task, make_error(errc::cancelled, "the device is closed"));
    }
    if (at == devices_.end()) return;
    at->second->close(now);
    quiet_[l.who->address.mac] = at->second->quiet_until_ms();
    devices_.erase(at);
  }

  std::unique_ptr<radio> air_;
  patience patience_;
  std::mutex mutex_;
  std::vector<letter> inbox_;
  size_t users_ = 0;
  bool running_ = false, stopping_ = false;
  int bell_ = -1;
  std::thread thread_;
  // The thread's:
  std::map<spec_ptr, std::unique_ptr<peripheral>> devices_;
  std::map<std::string, int64_t> quiet_;  ///< by address: not to be connected before
};

class connection final : public ports::device_connection {
public:
  connection(std::shared_ptr<central> all, spec_ptr who) : all_(std::move(all)), who_(std::move(who)) {}
  ~connection() override {
    who_->closed = true;
    all_->remove(who_);
  }
  void read(std::vector<uint32_t> points, uint32_t deadline_ms, readings done) override {
    std::erase_if(points, [this](uint32_t p) { return p >= who_->points.size(); });
    all_->work(who_, {now_ms() + deadline_ms, std::move(points), {}, std::move(done), {}});
  }
  void write(uint32_t point, device::raw_value value, uint32_t deadline_ms, written done) override {
    if (point >= who_->points.size()) return done(make_error(errc::invalid, "there is no such point"));
    all_->work(who_, {now_ms() + deadline_ms, {point}, std::move(value), {}, std::move(done)});
  }

private:
  std::shared_ptr<central> all_;
  spec_ptr who_;
};

const json::object& object_of(const json::value& v) {
  static const json::object none;
  return v.is_object() ? v.get_object() : none;
}

void add_point(peripheral_spec& s, const json::object& config) {
  peripheral_spec::point p;
  auto read = device::read_bluetooth_visitor(config);
  if (auto* x = std::get_if<device::problem>(&read)) {
    p.refused = "visitors.configData." + x->key + " " + x->why;
  } else {
    const auto& v = std::get<device::bluetooth_visitor>(read);
    p.rssi = v.rssi;
    for (p.slot = 0; !v.rssi && p.slot < s.wants.size(); ++p.slot)
      if (s.wants[p.slot].characteristic == v.characteristic && s.wants[p.slot].service == v.service) break;
    if (!v.rssi && p.slot == s.wants.size()) s.wants.push_back({v.characteristic, v.service, false});
    if (!v.rssi) s.wants[p.slot].notify = s.wants[p.slot].notify || v.notify;
  }
  s.points.push_back(std::move(p));
}

class driver final : public ports::device_driver {
public:
  driver(std::unique_ptr<radio> air, const patience& p) : all_(std::make_shared<central>(std::move(air), p)) {}
  std::string_view protocol() const override { return "bluetooth"; }

  caf::expected<std::unique_ptr<ports::device_connection>> connect(ports::device_description what,
                                                                   ports::device_listener listener) override {
    auto address = device::read_bluetooth_address(object_of(what.config));
    if (auto* p = std::get_if<device::problem>(&address))
      return make_error(errc::invalid, "spec.protocol.configData." + p->key + " " + p->why);
    auto s = std::make_shared<peripheral_spec>();
    s->address = std::get<device::bluetooth_address>(address);
    for (const auto& point : what.points) add_point(*s, object_of(point.config));
    s->listener = std::move(listener);
    spec_ptr who = s;
    if (!all_->add(who)) return make_error(errc::too_many, "more than " + std::to_string(devices_max) + " devices");
    return std::make_unique<connection>(all_, std::move(who));
  }

private:
  std::shared_ptr<central> all_;
};

}  // namespace

std::unique_ptr<ports::device_driver> make_driver(std::unique_ptr<radio> air, patience p) {
  return std::make_unique<driver>(std::move(air), p);
}

}  // namespace skerry::drivers::bluetooth
