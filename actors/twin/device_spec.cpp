#include "actors/twin/device_spec.hpp"

#include "schema/device/bluetooth.hpp"
#include "schema/device/limits.hpp"
#include "schema/device/modbus.hpp"
#include "schema/device/octets.hpp"

namespace skerry::twin {
namespace {

std::string text(std::string_view s) { return std::string{s}; }

const json::value* named(const json::array& list, std::string_view name) {
  for (const auto& x : list)
    if (string_at(x, "name") == name) return &x;
  return nullptr;
}

int64_t cycle(const json::value& p, const char* key, int64_t otherwise, device_spec& out) {
  bool nanoseconds = false;
  auto ms = device::cycle_ms(int_at(p, key), otherwise, nanoseconds);
  if (nanoseconds)
    out.warnings.push_back("property " + text(string_at(p, "name")) + ": " + key +
                           " is read as nanoseconds; it is milliseconds by now");
  return ms;
}

std::string place_octets(property_spec& p, const json::object& config) {
  auto read = device::read_bluetooth_visitor(config);
  if (auto* x = std::get_if<device::problem>(&read)) return "visitors.configData." + x->key + " " + x->why;
  auto rssi = std::get<device::bluetooth_visitor>(read).rssi;
  p.read_only = p.read_only || rssi;
  auto how = rssi ? device::read_text_conversion(p.type, config)
                  : device::read_octet_conversion(p.type, config, p.minimum.value_or(0) < 0);
  if (auto* x = std::get_if<device::problem>(&how)) return "visitors.configData." + x->key + " " + x->why;
  p.how = std::get<device::conversion>(how);
  return {};
}

/// Where the property stands and how it is converted, by its protocol.
std::string place(property_spec& p, const std::string& protocol) {
  static const json::object none;
  const auto& config = p.config.is_object() ? p.config.get_object() : none;
  p.dead_band = std::max(0.0, device::real_in(config, "deadBand").value_or(0));
  if (protocol == "bluetooth") return place_octets(p, config);
  if (protocol != "modbus") {  // what a driver gives is a text, but for registers
    auto how = device::read_text_conversion(p.type, config);
    if (auto* x = std::get_if<device::problem>(&how)) return "visitors.configData." + x->key + ": " + x->why;
    p.how = std::get<device::conversion>(how);
    return {};
  }
  auto read = device::read_modbus_visitor(config);
  if (auto* x = std::get_if<device::problem>(&read)) return "visitors.configData." + x->key + " " + x->why;
  const auto& where = std::get<device::modbus_visitor>(read);
  p.read_only = p.read_only || !where.writable();
  auto how = device::read_conversion(p.type, config, where.count, where.bits(), p.minimum.value_or(0) < 0);
  if (auto* x = std::get_if<device::problem>(&how))
    return "visitors.configData" + (x->key.empty() ? "" : "." + x->key) + ": " + x->why;
  p.how = std::get<device::conversion>(how);
  return {};
}

property_spec parse_property(const json::value& p, const json::value* model, device_spec& out) {
  property_spec s;
  s.name = string_at(p, "name");
  s.collect_ms = cycle(p, "collectCycle", limits::collect_cycle_ms_default, out);
  s.report_ms = cycle(p, "reportCycle", limits::report_cycle_ms_default, out);
  s.to_cloud = bool_at(p, "reportToCloud", true);
  if (const auto* v = find(p, "desired.value"); v != nullptr && v->is_string()) s.desired = text(v->get_string());
  s.desired_stamp = string_at(p, "desired.metadata.timestamp");
  const auto* config = find(p, "visitors.configData");
  if (model == nullptr) {
    s.problem = "its model has no property of this name";
    return s;
  }
  if (config == nullptr) config = find(*model, "visitors.configData");
  if (config != nullptr) s.config = *config;
  auto type = device::type_of(string_at(*model, "type"));
  if (!type) {
    s.problem = "its model says no type";
    return s;
  }
  s.type = *type;
  s.minimum = device::number_of(string_at(*model, "minimum"));
  s.maximum = device::number_of(string_at(*model, "maximum"));
  s.read_only = string_at(*model, "accessMode") == "ReadOnly";
  s.problem = place(s, out.protocol);
  return s;
}

}  // namespace

device_spec parse_device(const json::value& device, const json::value* model) {
  device_spec out;
  out.ns = string_at(device, "metadata.namespace");
  out.name = string_at(device, "metadata.name");
  out.uid = string_at(device, "metadata.uid");
  out.protocol = device::protocol_of(string_at(device, "spec.protocol.protocolName"));
  out.config = object_at(device, "spec.protocol.configData");
  bool nanoseconds = false;
  out.alive_ms = device::cycle_ms(int_at(device, "spec.stateReport.reportCycle"), limits::device_alive_ms, nanoseconds);
  out.alive_ms = std::max<int64_t>(out.alive_ms, 1'000);
  if (out.protocol.empty()) out.problem = "spec.protocol.protocolName is missing";
  auto model_name = text(string_at(device, "spec.deviceModelRef.name"));
  if (model == nullptr)
    out.problem = model_name.empty() ? "spec.deviceModelRef names no model"
                                     : "its DeviceModel " + out.ns + "/" + model_name + " does not exist";
  for (const auto& p : array_at(device, "spec.properties")) {
    if (out.properties.size() == limits::device_properties_max) break;
    const auto* m = model != nullptr ? named(array_at(*model, "spec.properties"), string_at(p, "name")) : nullptr;
    out.properties.push_back(parse_property(p, m, out));
  }
  return out;
}

}  // namespace skerry::twin
