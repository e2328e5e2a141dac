#include "drivers/device/modbus/driver.hpp"

#include <list>

#include "drivers/device/modbus/bus.hpp"
#include "drivers/device/modbus/discover.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::modbus {
namespace {

constexpr size_t buses_max = 256;

/// The buses in use, and those that are ending. Outlives its driver where a connection does.
class buses {
public:
  /// The bus of this name, with one more user; null if there are too many.
  std::shared_ptr<bus> take(const device::modbus_address& where) {
    std::lock_guard lock{mutex_};
    ending_.remove_if([](const auto& b) { return b->finished(); });
    auto& slot = named_[where.bus()];
    if (!slot) {
      if (named_.size() + ending_.size() > buses_max) {
        named_.erase(where.bus());
        return nullptr;
      }
      slot = std::make_shared<bus>(where);
      slot->start();
    }
    ++slot->users;
    return slot;
  }
  void give_back(const std::string& name, const std::shared_ptr<bus>& b) {
    std::lock_guard lock{mutex_};
    if (--b->users > 0) return;
    b->stop();
    named_.erase(name);
    ending_.push_back(b);  // its thread may be waiting for an answer: it is joined later
  }

private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<bus>> named_;
  std::list<std::shared_ptr<bus>> ending_;
};

class connection final : public ports::device_connection {
public:
  connection(std::shared_ptr<buses> all, std::shared_ptr<bus> mine, slave_ptr who)
      : all_(std::move(all)), bus_(std::move(mine)), who_(std::move(who)) {}
  ~connection() override {
    who_->closed = true;
    all_->give_back(who_->address.bus(), bus_);
  }

  void read(std::vector<uint32_t> points, uint32_t deadline_ms, readings done) override {
    std::erase_if(points, [this](uint32_t p) { return p >= who_->points.size(); });
    bus_->add({who_, at(deadline_ms), std::move(points), {}, std::move(done), {}});
  }
  void write(uint32_t point, device::raw_value value, uint32_t deadline_ms, written done) override {
    if (point >= who_->points.size()) return done(make_error(errc::invalid, "there is no such point"));
    bus_->add({who_, at(deadline_ms), {point}, std::move(value), {}, std::move(done)});
  }

private:
  static bus::clock::time_point at(uint32_t ms) { return bus::clock::now() + std::chrono::milliseconds(ms); }
  std::shared_ptr<buses> all_;
  std::shared_ptr<bus> bus_;
  slave_ptr who_;
};

const json::object& object_of(const json::value& v) {
  static const json::object none;
  return v.is_object() ? v.get_object() : none;
}

class driver final : public ports::device_driver {
public:
  std::string_view protocol() const override { return "modbus"; }

  caf::expected<std::unique_ptr<ports::device_connection>> connect(ports::device_description what,
                                                                   ports::device_listener listener) override {
    auto address = device::read_modbus_address(object_of(what.config));
    if (auto* p = std::get_if<device::problem>(&address))
      return make_error(errc::invalid,
                        "spec.protocol.configData" + (p->key.empty() ? "" : "." + p->key) + " " + p->why);
    auto s = std::make_shared<slave>();
    s->address = std::get<device::modbus_address>(address);
    for (const auto& point : what.points) {
      auto v = device::read_modbus_visitor(object_of(point.config));
      auto* p = std::get_if<device::problem>(&v);
      s->points.push_back(p == nullptr ? std::get<device::modbus_visitor>(v) : device::modbus_visitor{});
      s->refused.push_back(p == nullptr ? "" : "visitors.configData." + p->key + " " + p->why);
      s->alone.push_back(false);
    }
    s->on_health = std::move(listener.on_health);
    auto b = all_->take(s->address);
    if (!b) return make_error(errc::too_many, "more than " + std::to_string(buses_max) + " Modbus lines");
    return std::make_unique<connection>(all_, std::move(b), std::move(s));
  }

  caf::expected<json::array> discover(std::string_view, const json::object& where, uint32_t deadline_ms) override {
    return scan(where, deadline_ms);
  }

private:
  std::shared_ptr<buses> all_ = std::make_shared<buses>();
};

}  // namespace

std::unique_ptr<ports::device_driver> make_driver() { return std::make_unique<driver>(); }

}  // namespace skerry::drivers::modbus
