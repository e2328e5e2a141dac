#include "drivers/device/plugin/driver.hpp"

#include <boost/json/serialize.hpp>
#include <list>
#include <thread>

#include "drivers/device/plugin/host.hpp"
#include "drivers/device/plugin/library.hpp"
#include "drivers/device/plugin/values.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::plugin {
namespace {

constexpr std::chrono::milliseconds end_max{2'000};
constexpr size_t hanging_max = 16;  ///< hosts whose driver did not come back from a call

/// The drivers in use, and those that are ending. Outlives its driver where a device does.
class hosts {
public:
  ~hosts() {
    // A driver that hangs keeps its threads; the process ends all the same.
    for (auto& h : ending_) h->ended_in(end_max);
  }
  caf::expected<std::shared_ptr<host>> take(const std::string& protocol, const skerry_driver& driver) {
    std::lock_guard lock{mutex_};
    ending_.remove_if([](const auto& h) { return h->ended_in(std::chrono::milliseconds{0}); });
    auto& slot = named_[protocol];
    if (!slot) {
      if (ending_.size() >= hanging_max) {
        named_.erase(protocol);
        return make_error(errc::too_many, "drivers hang in calls that they do not come back from: restart the agent");
      }
      slot = std::make_shared<host>(driver);
      slot->start();
    }
    ++slot->users;
    return slot;
  }
  void give_back(const std::string& protocol, const std::shared_ptr<host>& h) {
    std::lock_guard lock{mutex_};
    if (--h->users > 0) return;
    h->stop();
    named_.erase(protocol);
    ending_.push_back(h);
  }

private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<host>> named_;
  std::list<std::shared_ptr<host>> ending_;
};

class connection final : public ports::device_connection {
public:
  connection(std::shared_ptr<hosts> all, std::string protocol, std::shared_ptr<host> mine, guest_ptr who)
      : all_(std::move(all)), protocol_(std::move(protocol)), host_(std::move(mine)), who_(std::move(who)) {}
  ~connection() override {
    host_->remove(who_);
    all_->give_back(protocol_, host_);
  }
  void read(std::vector<uint32_t> points, uint32_t deadline_ms, readings done) override {
    host_->read(who_, std::move(points), deadline_ms, std::move(done));
  }
  void write(uint32_t point, device::raw_value value, uint32_t deadline_ms, written done) override {
    if (point >= who_->points.size()) return done(make_error(errc::invalid, "there is no such point"));
    host_->write(who_, point, std::move(value.text), deadline_ms, std::move(done));
  }

private:
  std::shared_ptr<hosts> all_;
  std::string protocol_;
  std::shared_ptr<host> host_;
  guest_ptr who_;
};

/// Who asks a driver once what it finds.
struct finder : skerry_host {
  std::mutex mutex;
  std::condition_variable changed;
  bool answered = false;
  skerry_status status = SKERRY_OK;
  std::string text;
};
constexpr size_t found_bytes_max = 4 * 1024 * 1024;

caf::expected<json::array> ask(const skerry_driver& driver, const std::string& where, uint32_t deadline_ms) {
  std::string protocol = driver.protocol;
  if (driver.size < sizeof(skerry_driver) || driver.discover == nullptr)
    return make_error(errc::unsupported, "driver " + protocol + " cannot look for devices");
  // A driver that answers after the deadline must find somebody: it stays for what is left of the process.
  auto* f = new finder{};
  f->abi = SKERRY_DRIVER_ABI;
  f->size = sizeof(skerry_host);
  f->health = [](const skerry_host*, uint64_t, int32_t, skerry_text) {};
  f->news = [](const skerry_host*, uint64_t) {};
  f->read_done = [](const skerry_host*, uint64_t, const skerry_reading*, size_t) {};
  f->write_done = [](const skerry_host*, uint64_t, skerry_status, skerry_text) {};
  f->discover_done = [](const skerry_host* h, uint64_t, skerry_status status, skerry_text found) {
    auto& me = *const_cast<finder*>(static_cast<const finder*>(h));
    std::lock_guard lock{me.mutex};
    if (std::exchange(me.answered, true)) return;
    me.status = status;
    if (found.data != nullptr) me.text.assign(found.data, std::min(found.size, found_bytes_max));
    me.changed.notify_all();
  };
  std::thread([f, &driver, where, deadline_ms] {
    try {
      driver.discover(f, 1, {where.data(), where.size()}, deadline_ms);
    } catch (...) {
      f->discover_done(f, 1, SKERRY_UNAVAILABLE, {"the driver threw", 16});
    }
  }).detach();
  std::unique_lock lock{f->mutex};
  if (!f->changed.wait_for(lock, std::chrono::milliseconds(deadline_ms), [f] { return f->answered; }))
    return make_error(errc::timed_out, "driver " + protocol + " did not answer in time");
  if (f->status != SKERRY_OK) return error_of(f->status, {f->text.data(), f->text.size()});
  std::string error;
  auto v = parse_json(f->text, error);
  if (!error.empty() || !v.is_array())
    return make_error(errc::corrupt, "what driver " + protocol + " found is no JSON array: " + error);
  return std::move(v.get_array());
}

class drivers final : public ports::device_driver {
public:
  explicit drivers(std::string directory) : directory_(std::move(directory)) {}
  std::string_view protocol() const override { return {}; }
  bool drives(std::string_view protocol) const override { return is_protocol(protocol); }

  caf::expected<std::unique_ptr<ports::device_connection>> connect(ports::device_description what,
                                                                   ports::device_listener listener) override {
    auto protocol = what.protocol;
    auto table = load(directory_, protocol);
    if (!table) return table.error();
    auto h = all_->take(protocol, **table);
    if (!h) return h.error();
    auto who = (*h)->add(std::move(what), std::move(listener));
    return std::make_unique<connection>(all_, std::move(protocol), *h, std::move(who));
  }

  caf::expected<json::array> discover(std::string_view which, const json::object& where,
                                      uint32_t deadline_ms) override {
    auto table = load(directory_, std::string{which});
    if (!table) return table.error();
    return ask(**table, json::serialize(where), deadline_ms);
  }

private:
  std::string directory_;
  std::shared_ptr<hosts> all_ = std::make_shared<hosts>();
};

}  // namespace

std::unique_ptr<ports::device_driver> make_drivers(std::string directory) {
  return std::make_unique<drivers>(std::move(directory));
}

}  // namespace skerry::drivers::plugin
