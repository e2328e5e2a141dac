#include "drivers/device/modbus/discover.hpp"

#include <future>

#include "drivers/device/modbus/driver.hpp"
#include "schema/device/modbus.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::modbus {
namespace {

using clock = std::chrono::steady_clock;
constexpr int units_max = 247;

struct kind {
  const char *name, *property, *type;
  bool read_only;
};
constexpr kind kinds[] = {{"HoldingRegister", "holding-0", "INT", false},
                          {"InputRegister", "input-0", "INT", true},
                          {"CoilRegister", "coil-0", "BOOLEAN", false},
                          {"DiscreteInputRegister", "discrete-0", "BOOLEAN", true}};

struct found {
  bool there = false;
  json::array properties;
  std::string why;
};

/// Asks one unit. Each has a driver of its own: a line that is silent is left alone for a while by the one that it was
/// silent to.
found ask(const json::object& config, uint32_t deadline_ms) {
  auto driver = make_driver();
  ports::device_description what{"scan", config, {}};
  for (const auto& k : kinds) what.points.push_back({k.property, json::object{{"register", k.name}, {"offset", 0}}});
  auto online = std::make_shared<std::promise<ports::device_health>>();
  auto told = std::make_shared<std::atomic<bool>>(false);
  ports::device_listener listener;
  listener.on_health = [online, told](ports::device_health h) {
    if (!told->exchange(true)) online->set_value(std::move(h));
  };
  auto health = online->get_future();
  auto line = driver->connect(std::move(what), std::move(listener));
  if (!line) return {false, {}, message_of(line.error())};
  auto read = [&](std::vector<uint32_t> points) {
    auto p = std::make_shared<std::promise<std::vector<ports::point_reading>>>();
    auto answer = p->get_future();
    (*line)->read(std::move(points), deadline_ms, [p](auto r) { p->set_value(std::move(r)); });
    return answer.get();
  };
  found out;
  auto first = read({0});
  if (health.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready) {
    auto h = health.get();
    out.there = h.online;
    out.why = h.why;
  }
  if (!out.there) return out;
  auto all = read({1, 2, 3});
  all.insert(all.begin(), first.begin(), first.end());
  for (const auto& r : all)
    if (r.state == ports::quality::good)
      out.properties.push_back(json::object{{"name", kinds[r.point].property},
                                            {"type", kinds[r.point].type},
                                            {"readOnly", kinds[r.point].read_only},
                                            {"config", {{"register", kinds[r.point].name}, {"offset", 0}}}});
  return out;
}

}  // namespace

caf::expected<json::array> scan(const json::object& where, uint32_t deadline_ms) {
  auto address = device::read_modbus_address(where);
  if (auto* p = std::get_if<device::problem>(&address)) return make_error(errc::invalid, p->key + " " + p->why);
  auto end = clock::now() + std::chrono::milliseconds(deadline_ms);
  auto one = where.contains("slaveID");
  auto first = one ? std::get<device::modbus_address>(address).slave : 1;
  auto last = one ? first : units_max;
  json::array out;
  std::string why;
  for (auto unit = first; unit <= last && clock::now() < end; ++unit) {
    auto config = where;
    config["slaveID"] = unit;
    auto asked = config;
    if (!asked.contains("timeout")) asked["timeout"] = 100;
    auto f = ask(asked, 5'000);
    if (f.there)
      out.push_back(
          json::object{{"name", "unit-" + std::to_string(unit)}, {"config", config}, {"properties", f.properties}});
    else if (unit == first)
      why = f.why;
  }
  if (out.empty()) return make_error(errc::unavailable, "no unit answers: " + why);
  return out;
}

}  // namespace skerry::drivers::modbus
