#include "schema/kube/validate_device.hpp"

#include "schema/device/bluetooth.hpp"
#include "schema/device/conversion.hpp"
#include "schema/device/limits.hpp"
#include "schema/device/modbus.hpp"
#include "schema/device/mqtt.hpp"
#include "schema/device/octets.hpp"
#include "schema/device/opcua.hpp"
#include "schema/error.hpp"
#include "schema/kube/checker.hpp"

namespace skerry::kube {
namespace {

const json::object& object_or_none(const json::object& o, std::string_view key) {
  static const json::object none;
  const auto* x = object_in(o, key);
  return x != nullptr ? *x : none;
}

void report(checker& c, const step& config, const json::object& o, const device::problem& p) {
  if (p.key.empty()) return c.invalid(config, json::value(o), p.why);
  const auto* v = member(o, p.key);
  if (v == nullptr) return c.required(config / p.key, p.why);
  c.invalid(config / p.key, *v, p.why);
}

/// Names of properties must be there, and each once.
void check_names(checker& c, const json::array& properties, const step& at) {
  if (properties.size() > limits::device_properties_max)
    c.forbidden(at, "at most " + std::to_string(limits::device_properties_max) + " properties are allowed");
  name_set names;
  for (size_t i = 0; i < properties.size(); ++i) {
    const auto* p = properties[i].if_object();
    if (p == nullptr) continue;
    auto here = at[i];
    auto name = text_in(*p, "name");
    if (name.empty())
      c.required(here / "name");
    else if (!names.insert(name))
      c.duplicate(here / "name", name);
  }
}

struct register_use {
  std::string_view property;
  device::modbus_visitor where;
};

void check_modbus_visitor(checker& c, const json::object& property, const step& here, std::vector<register_use>& used) {
  const auto* visitors = object_in(property, "visitors");
  if (visitors == nullptr) return;  // it may stand in the model
  auto visitors_at = here / "visitors";
  auto at = visitors_at / "configData";
  const auto& config = object_or_none(*visitors, "configData");
  auto read = device::read_modbus_visitor(config);
  if (auto* p = std::get_if<device::problem>(&read)) return report(c, at, config, *p);
  auto& mine = std::get<device::modbus_visitor>(read);
  for (const auto& other : used)
    if (device::overlap(mine, other.where)) {
      c.invalid(at / "offset", *member(config, "offset"),
                "two visitors for one register: property \"" + std::string{other.property} + "\" stands there too");
      break;
    }
  used.push_back({text_in(property, "name"), mine});
  if (object_in(property, "desired") != nullptr && !mine.writable())
    c.forbidden(here / "desired", "the register is read-only");
}

void check_mqtt_visitor(checker& c, const json::object& property, const step& here) {
  const auto* visitors = object_in(property, "visitors");
  if (visitors == nullptr) return;  // it may stand in the model
  auto visitors_at = here / "visitors";
  const auto& config = object_or_none(*visitors, "configData");
  auto read = device::read_mqtt_visitor(config, {"namespace", "name", "property"});
  if (auto* p = std::get_if<device::problem>(&read)) report(c, visitors_at / "configData", config, *p);
}

void check_bluetooth_visitor(checker& c, const json::object& property, const step& here) {
  const auto* visitors = object_in(property, "visitors");
  if (visitors == nullptr) return;  // it may stand in the model
  auto visitors_at = here / "visitors";
  auto at = visitors_at / "configData";
  const auto& config = object_or_none(*visitors, "configData");
  auto read = device::read_bluetooth_visitor(config);
  if (auto* p = std::get_if<device::problem>(&read)) return report(c, at, config, *p);
  auto how = device::read_octet_conversion(device::value_type::text, config, false);
  if (auto* p = std::get_if<device::problem>(&how)) return report(c, at, config, *p);
  if (object_in(property, "desired") != nullptr && std::get<device::bluetooth_visitor>(read).rssi)
    c.forbidden(here / "desired", "the strength of the signal is read-only");
}

void check_opcua_visitor(checker& c, const json::object& property, const step& here) {
  const auto* visitors = object_in(property, "visitors");
  if (visitors == nullptr) return;  // it may stand in the model
  auto visitors_at = here / "visitors";
  const auto& config = object_or_none(*visitors, "configData");
  auto read = device::read_opcua_visitor(config);
  if (auto* p = std::get_if<device::problem>(&read)) report(c, visitors_at / "configData", config, *p);
}

void check_properties(checker& c, const json::object& spec, const step& at, const std::string& protocol) {
  const auto* properties = array_in(spec, "properties");
  if (properties == nullptr) return;
  auto list = at / "properties";
  check_names(c, *properties, list);
  std::vector<register_use> used;
  for (size_t i = 0; i < properties->size(); ++i) {
    const auto* p = (*properties)[i].if_object();
    if (p == nullptr) continue;
    auto here = list[i];
    c.at_least_zero(*p, here, "collectCycle");
    c.at_least_zero(*p, here, "reportCycle");
    auto visitors_at = here / "visitors";
    auto own = text_in(object_or_none(*p, "visitors"), "protocolName");
    if (!own.empty() && !protocol.empty() && device::protocol_of(own) != protocol)
      c.invalid(visitors_at / "protocolName", own, "must be the device's protocol, \"" + protocol + "\"");
    if (protocol == "modbus") check_modbus_visitor(c, *p, here, used);
    if (protocol == "mqtt") check_mqtt_visitor(c, *p, here);
    if (protocol == "bluetooth") check_bluetooth_visitor(c, *p, here);
    if (protocol == "opcua") check_opcua_visitor(c, *p, here);
  }
}

/// Reads a bound of the model; says what is wrong with it.
std::optional<double> bound(checker* c, const json::object& property, const step& at, std::string_view key) {
  auto text = text_in(property, key);
  if (text.empty()) return {};
  auto v = device::number_of(text);
  if (!v && c != nullptr) c->invalid(at / key, text, "must be a number");
  return v;
}

bool numeric(device::value_type t) {
  return t == device::value_type::integer || t == device::value_type::real32 || t == device::value_type::real64;
}

/// Why a text is no value of this property; empty if it is one.
std::string refused(const json::object& property, device::value_type type, std::string_view text) {
  if (type == device::value_type::boolean && text != "true" && text != "false" && text != "1" && text != "0")
    return "must be true or false";
  if (!numeric(type)) return {};
  auto v = device::number_of(text);
  if (!v) return "must be a number, as the model says " + std::string{device::name_of(type)};
  if (type == device::value_type::integer && text.find_first_of(".eE") != std::string_view::npos)
    return "must be a whole number, as the model says INT";
  step none{};
  auto min = bound(nullptr, property, none, "minimum"), max = bound(nullptr, property, none, "maximum");
  if (min && *v < *min) return "must be at least the model's minimum, " + std::string{text_in(property, "minimum")};
  if (max && *v > *max) return "must be at most the model's maximum, " + std::string{text_in(property, "maximum")};
  return {};
}

/// The registers that a property stands in, by itself or by its model, must hold its type, and what is desired.
void check_registers(checker& c, const json::object& property, const json::object& model, device::value_type type,
                     const step& here) {
  auto own = object_in(property, "visitors") != nullptr;
  const auto& config = object_or_none(object_or_none(own ? property : model, "visitors"), "configData");
  auto visitors_at = here / "visitors";
  auto at = visitors_at / "configData";
  auto read = device::read_modbus_visitor(config);
  if (auto* p = std::get_if<device::problem>(&read)) return report(c, at, config, *p);
  auto& where = std::get<device::modbus_visitor>(read);
  step none{};
  auto negative = bound(nullptr, model, none, "minimum").value_or(0) < 0;
  auto conversion = device::read_conversion(type, config, where.count, where.bits(), negative);
  if (auto* p = std::get_if<device::problem>(&conversion)) return report(c, at, config, *p);
  const auto* desired = object_in(property, "desired");
  if (desired == nullptr || !c.errors.empty()) return;
  auto desired_at = here / "desired";
  auto raw = device::from_text(std::get<device::conversion>(conversion), text_in(*desired, "value"));
  if (!raw) c.invalid(desired_at / "value", text_in(*desired, "value"), message_of(raw.error()));
}

/// As check_registers(), for values that come as bytes.
void check_octets(checker& c, const json::object& property, const json::object& model, device::value_type type,
                  const step& here) {
  auto own = object_in(property, "visitors") != nullptr;
  const auto& config = object_or_none(object_or_none(own ? property : model, "visitors"), "configData");
  auto visitors_at = here / "visitors";
  auto at = visitors_at / "configData";
  auto read = device::read_bluetooth_visitor(config);
  if (auto* p = std::get_if<device::problem>(&read)) return report(c, at, config, *p);
  if (std::get<device::bluetooth_visitor>(read).rssi) return;
  step none{};
  auto negative = bound(nullptr, model, none, "minimum").value_or(0) < 0;
  auto conversion = device::read_octet_conversion(type, config, negative);
  if (auto* p = std::get_if<device::problem>(&conversion)) return report(c, at, config, *p);
  const auto* desired = object_in(property, "desired");
  if (desired == nullptr || !c.errors.empty()) return;
  auto desired_at = here / "desired";
  auto raw = device::from_text(std::get<device::conversion>(conversion), text_in(*desired, "value"));
  if (!raw) c.invalid(desired_at / "value", text_in(*desired, "value"), message_of(raw.error()));
}

const json::object* property_of(const json::array& properties, std::string_view name) {
  for (const auto& p : properties)
    if (const auto* o = p.if_object(); o != nullptr && text_in(*o, "name") == name) return o;
  return nullptr;
}

void check_against(checker& c, const json::object& property, const json::value& model, const step& here,
                   std::string_view protocol) {
  auto name = text_in(property, "name");
  const auto* m = property_of(array_at(model, "spec.properties"), name);
  if (m == nullptr)
    return c.invalid(
        here / "name", name,
        "unknown property: model \"" + std::string{string_at(model, "metadata.name")} + "\" has none of it");
  auto type = device::type_of(text_in(*m, "type"));
  if (!type) return;
  auto desired_at = here / "desired";
  if (const auto* desired = object_in(property, "desired")) {
    auto text = text_in(*desired, "value");
    if (text_in(*m, "accessMode") == "ReadOnly")
      c.forbidden(desired_at, "the model says that the property is ReadOnly");
    if (auto why = refused(*m, *type, text); !why.empty()) c.invalid(desired_at / "value", text, why);
  }
  if (protocol == "modbus") check_registers(c, property, *m, *type, here);
  if (protocol == "bluetooth") check_octets(c, property, *m, *type, here);
}

}  // namespace

void check_device(checker& c, const resource_info&, const json::object*, const json::object& o) {
  step root{};
  auto at = root / "spec";
  const auto& spec = object_or_none(o, "spec");
  if (auto node = text_in(spec, "nodeName"); !node.empty()) c.dns_subdomain(at / "nodeName", node);
  const auto& protocol = object_or_none(spec, "protocol");
  auto name = device::protocol_of(text_in(protocol, "protocolName"));
  const auto& config = object_or_none(protocol, "configData");
  auto check = [&](const auto& read) {
    if (auto* p = std::get_if<device::problem>(&read)) report(c, at / "protocol" / "configData", config, *p);
  };
  if (name == "modbus") check(device::read_modbus_address(config));
  // What may stand in a visitor instead is looked for there by the driver.
  if (name == "mqtt") check(device::read_mqtt_address(config, json::object{{"clientId", "any"}}));
  if (name == "bluetooth") check(device::read_bluetooth_address(config));
  if (name == "opcua") check(device::read_opcua_address(config));
  check_properties(c, spec, at, name);
}

void check_device_model(checker& c, const resource_info&, const json::object*, const json::object& o) {
  step root{};
  auto at = root / "spec";
  const auto* properties = array_in(object_or_none(o, "spec"), "properties");
  if (properties == nullptr) return;
  auto list = at / "properties";
  check_names(c, *properties, list);
  for (size_t i = 0; i < properties->size(); ++i) {
    const auto* p = (*properties)[i].if_object();
    if (p == nullptr) continue;
    auto here = list[i];
    if (text_in(*p, "type").empty()) c.required(here / "type");
    c.one_of(*p, here, "type", {"INT", "FLOAT", "DOUBLE", "STRING", "BOOLEAN", "BYTES", "STREAM"});
    c.one_of(*p, here, "accessMode", {"ReadWrite", "ReadOnly"});
    auto min = bound(&c, *p, here, "minimum"), max = bound(&c, *p, here, "maximum");
    if (min && max && *min > *max) c.invalid(here / "minimum", text_in(*p, "minimum"), "must be at most the maximum");
  }
}

field_errors validate_device_against(const json::value& device, const json::value& model) {
  checker c;
  step root{};
  auto at = root / "spec";
  auto list = at / "properties";
  auto protocol = device::protocol_of(string_at(device, "spec.protocol.protocolName"));
  const auto& properties = array_at(device, "spec.properties");
  for (size_t i = 0; i < properties.size(); ++i)
    if (const auto* p = properties[i].if_object()) check_against(c, *p, model, list[i], protocol);
  return std::move(c.errors);
}

}  // namespace skerry::kube
