#include "drivers/device/mqtt/driver.hpp"

#include <mosquitto.h>

#include <list>

#include "drivers/device/mqtt/client.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::mqtt {
namespace {

constexpr size_t clients_max = 256;

/// The connections in use, and those that are ending. Outlives its driver where a device does.
class clients {
public:
  clients() { ::mosquitto_lib_init(); }
  ~clients() {
    named_.clear();
    ending_.clear();
    ::mosquitto_lib_cleanup();
  }
  /// The connection for this broker and user, with one more user; null if there are too many.
  std::shared_ptr<client> take(const device::mqtt_address& where) {
    std::lock_guard lock{mutex_};
    ending_.remove_if([](const auto& c) { return c->finished(); });
    if (named_.size() + ending_.size() >= clients_max && !named_.contains(where.broker())) return nullptr;
    auto& slot = named_[where.broker()];
    if (!slot) {
      slot = std::make_shared<client>(where);
      slot->start();
    }
    ++slot->users;
    return slot;
  }
  void give_back(const std::string& name, const std::shared_ptr<client>& c) {
    std::lock_guard lock{mutex_};
    if (--c->users > 0) return;
    c->stop();
    named_.erase(name);
    ending_.push_back(c);  // its thread ends by itself, and is joined later
  }

private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<client>> named_;
  std::list<std::shared_ptr<client>> ending_;
};

class connection final : public ports::device_connection {
public:
  connection(std::shared_ptr<clients> all, std::shared_ptr<client> mine, station_ptr who)
      : all_(std::move(all)), client_(std::move(mine)), who_(std::move(who)) {}
  ~connection() override {
    client_->remove(who_);
    all_->give_back(who_->address.broker(), client_);
  }
  void read(std::vector<uint32_t> points, uint32_t, readings done) override { done(client_->read(*who_, points)); }
  void write(uint32_t point, device::raw_value value, uint32_t deadline_ms, written done) override {
    if (point >= who_->points.size()) return done(make_error(errc::invalid, "there is no such point"));
    client_->write(*who_, point, value.text, deadline_ms, std::move(done));
  }

private:
  std::shared_ptr<clients> all_;
  std::shared_ptr<client> client_;
  station_ptr who_;
};

const json::object& object_of(const json::value& v) {
  static const json::object none;
  return v.is_object() ? v.get_object() : none;
}

class driver final : public ports::device_driver {
public:
  std::string_view protocol() const override { return "mqtt"; }

  caf::expected<std::unique_ptr<ports::device_connection>> connect(ports::device_description what,
                                                                   ports::device_listener listener) override {
    static const json::value none = json::object{};
    auto address = device::read_mqtt_address(object_of(what.config),
                                             object_of(what.points.empty() ? none : what.points.front().config));
    if (auto* p = std::get_if<device::problem>(&address))
      return make_error(errc::invalid, "spec.protocol.configData." + p->key + " " + p->why);
    auto s = std::make_shared<station>();
    s->address = std::get<device::mqtt_address>(address);
    auto slash = what.name.find('/');
    auto ns = std::string_view{what.name}.substr(0, slash);
    auto name = slash == std::string::npos ? ns : std::string_view{what.name}.substr(slash + 1);
    for (const auto& point : what.points) {
      station::point p;
      auto v = device::read_mqtt_visitor(object_of(point.config), {ns, name, point.name});
      if (auto* x = std::get_if<device::problem>(&v))
        p.refused = "visitors.configData." + x->key + " " + x->why;
      else
        p.where = std::get<device::mqtt_visitor>(v);
      s->points.push_back(std::move(p));
    }
    s->listener = std::move(listener);
    auto c = all_->take(s->address);
    if (!c) return make_error(errc::too_many, "more than " + std::to_string(clients_max) + " brokers and users");
    c->add(s);
    return std::make_unique<connection>(all_, std::move(c), std::move(s));
  }

private:
  std::shared_ptr<clients> all_ = std::make_shared<clients>();
};

}  // namespace

std::unique_ptr<ports::device_driver> make_driver() { return std::make_unique<driver>(); }

}  // namespace skerry::drivers::mqtt
