// skerry discover: what drivers find at a place, as manifests to apply.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <set>

#include "drivers/device/modbus/driver.hpp"
#include "drivers/device/plugin/driver.hpp"
#include "schema/device/config.hpp"
#include "schema/error.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/edge.hpp"

namespace skerry::tools {
namespace {

constexpr uint32_t look_ms_max = 60'000;
constexpr size_t name_bytes_max = 50;

/// YAML in blocks; a JSON text is a YAML text.
void print(const json::value& v, int indent, std::string& out) {
  auto margin = std::string(static_cast<size_t>(indent), ' ');
  if (const auto* o = v.if_object(); o != nullptr && !o->empty()) {
    for (const auto& [key, x] : *o) {
      auto block = (x.is_object() && !x.get_object().empty()) || (x.is_array() && !x.get_array().empty());
      out += margin + std::string{key} + ":" + (block ? "\n" : " ");
      print(x, indent + 2, out);
    }
  } else if (const auto* a = v.if_array(); a != nullptr && !a->empty()) {
    for (const auto& x : *a) {
      std::string item;
      print(x, indent + 2, item);
      out += margin + "- " + (x.is_object() ? item.substr(margin.size() + 2) : item);
    }
  } else {
    out += json::serialize(v) + "\n";
  }
}

std::string named(std::string_view text, bool lower, std::set<std::string>& taken) {
  std::string name;
  for (auto c : text.substr(0, name_bytes_max)) {
    auto fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (!lower && ((c >= 'A' && c <= 'Z') || c == '_'));
    if (lower && c >= 'A' && c <= 'Z')
      name += static_cast<char>(c - 'A' + 'a');
    else if (fine || (!name.empty() && name.back() != '-'))
      name += fine ? c : '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  if (name.empty()) name = "x";
  auto out = name;
  for (int i = 2; !taken.insert(out).second; ++i) out = name + "-" + std::to_string(i);
  return out;
}

json::object head(const char* kind, const std::string& name) {
  return {{"apiVersion", "devices.kubeedge.io/v1beta1"},
          {"kind", kind},
          {"metadata", {{"name", name}, {"namespace", "default"}}}};
}

std::string manifests(const std::string& protocol, const std::string& node, const json::array& found) {
  std::string out;
  std::set<std::string> names;
  for (const auto& d : found) {
    auto name = named(protocol + "-" + std::string{string_at(d, "name")}, true, names);
    std::set<std::string> properties;
    json::array described, placed;
    for (const auto& p : array_at(d, "properties")) {
      auto property = named(string_at(p, "name"), false, properties);
      described.push_back(json::object{{"name", property},
                                       {"type", string_at(p, "type", "STRING")},
                                       {"accessMode", bool_at(p, "readOnly") ? "ReadOnly" : "ReadWrite"}});
      placed.push_back(json::object{
          {"name", property}, {"visitors", {{"protocolName", protocol}, {"configData", object_at(p, "config")}}}});
    }
    auto model = head("DeviceModel", name);
    model["spec"] = json::object{{"protocol", protocol}, {"properties", std::move(described)}};
    auto device = head("Device", name);
    device["spec"] = json::object{{"deviceModelRef", {{"name", name}}},
                                  {"nodeName", node},
                                  {"protocol", {{"protocolName", protocol}, {"configData", object_at(d, "config")}}},
                                  {"properties", std::move(placed)}};
    for (const auto* o : {&model, &device}) {
      out += "---\n";
      print(*o, 0, out);
    }
  }
  return out;
}

}  // namespace

int run_discover(const options& o) {
  if (o.words.empty()) return misuse(o, "which protocol, and where? As: modbus ip=192.0.2.7");
  auto protocol = device::protocol_of(o.words.front());
  json::object where;
  for (size_t i = 1; i < o.words.size(); ++i) {
    auto at = o.words[i].find('=');
    if (at == std::string::npos || at == 0) return misuse(o, "'" + o.words[i] + "' is not as KEY=VALUE");
    where[o.words[i].substr(0, at)] = o.words[i].substr(at + 1);
  }
  auto driver = protocol == "modbus" ? drivers::modbus::make_driver() : drivers::plugin::make_drivers(driver_dir_of(o));
  if (protocol == "mqtt" || protocol == "bluetooth")
    return fail(o, "the driver for " + protocol + " cannot look for devices");
  auto found = driver->discover(protocol, where, look_ms_max);
  if (!found) return fail(o, found.error());
  if (found->empty()) return fail(o, "nothing was found that could be a device");
  std::fputs(manifests(protocol, o.node, *found).c_str(), stdout);
  return 0;
}

}  // namespace skerry::tools
