#include "sim/ports/sim_device.hpp"

#include "schema/error.hpp"

namespace skerry::sim {

class sim_device_driver::connection final : public ports::device_connection {
public:
  connection(sim_device_driver& driver, ports::device_description what, ports::device_listener listener)
      : driver_(driver), what_(std::move(what)), listener_(std::move(listener)) {}

  void read(std::vector<uint32_t> points, uint32_t, readings done) override {
    auto& d = driver_.at(what_.name);
    ++d.reads;
    auto answer = [this, points = std::move(points), done = std::move(done)] {
      std::vector<ports::point_reading> out;
      for (auto p : points) out.push_back(look(p));
      say();
      done(std::move(out));
    };
    if (d.hangs) return d.held.push_back(std::move(answer));
    answer();
  }
  void write(uint32_t point, skerry::device::raw_value value, uint32_t, written done) override {
    auto& d = driver_.at(what_.name);
    auto v = visitor(point);
    say();
    if (!d.online) return done(make_error(errc::unavailable, "the device is off"));
    if (!v || value.words.size() != v->count || !d.registers.contains(v->offset))
      return done(make_error(errc::invalid, "there is no such register"));
    for (uint16_t i = 0; i < v->count; ++i) d.registers[static_cast<uint16_t>(v->offset + i)] = value.words[i];
    ++d.writes;
    done({});
  }

private:
  std::optional<skerry::device::modbus_visitor> visitor(uint32_t point) const {
    if (point >= what_.points.size() || !what_.points[point].config.is_object()) return {};
    auto v = skerry::device::read_modbus_visitor(what_.points[point].config.get_object());
    auto* read = std::get_if<skerry::device::modbus_visitor>(&v);
    return read != nullptr ? std::optional{*read} : std::nullopt;
  }
  ports::point_reading look(uint32_t point) const {
    auto& d = driver_.at(what_.name);
    ports::point_reading out{point, ports::quality::bad, "the device is off", {}};
    if (!d.online) return out;
    auto v = visitor(point);
    out.why = "there is no such register";
    for (uint16_t i = 0; v && i < v->count; ++i) {
      auto r = d.registers.find(static_cast<uint16_t>(v->offset + i));
      if (r == d.registers.end()) return out;
      out.value.words.push_back(r->second);
    }
    if (v) out = {point, ports::quality::good, {}, std::move(out.value)};
    return out;
  }
  void say() {
    ports::device_health now{driver_.at(what_.name).online, {}};
    if (!now.online) now.why = "the device is off";
    if (std::exchange(told_, now) == now) return;
    listener_.on_health(now);
  }

  sim_device_driver& driver_;
  ports::device_description what_;
  ports::device_listener listener_;
  std::optional<ports::device_health> told_;
};

caf::expected<std::unique_ptr<ports::device_connection>> sim_device_driver::connect(ports::device_description what,
                                                                                    ports::device_listener listener) {
  ++at(what.name).connections;
  return std::make_unique<connection>(*this, std::move(what), std::move(listener));
}

void sim_device_driver::release(const std::string& name) {
  auto& d = at(name);
  d.hangs = false;
  for (auto& answer : std::exchange(d.held, {})) answer();
}

}  // namespace skerry::sim
