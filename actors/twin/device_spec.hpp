#pragma once
#include <optional>
#include <string>
#include <vector>

#include "schema/device/conversion.hpp"
#include "schema/json.hpp"

namespace skerry::twin {

struct property_spec {
  std::string name;
  device::value_type type = device::value_type::text;
  std::optional<double> minimum, maximum;  ///< of the model
  int64_t collect_ms = 0, report_ms = 0;
  double dead_band = 0;  ///< a number that moved by no more than that is not reported
  bool to_cloud = true;
  std::optional<std::string> desired;
  std::string desired_stamp;  ///< its metadata.timestamp: with another one, the same value is written again
  json::value config;         ///< visitors.configData
  device::conversion how;
  std::string problem;  ///< why it can be neither read nor written; empty if it can
  bool read_only = false;
};

/// A Device and its DeviceModel, as the twin needs them.
struct device_spec {
  std::string ns, name, uid;
  std::string protocol;  ///< "modbus"
  json::value config;    ///< spec.protocol.configData
  std::vector<property_spec> properties;
  int64_t alive_ms = 0;               ///< lastOnlineTime is told that often, if nothing else is
  std::string problem;                ///< why the device cannot be driven at all; empty if it can
  std::vector<std::string> warnings;  ///< for the log
};

/// Reads a Device; `model` is nullptr where the node has not got it (yet). What cannot be used is named in `problem`,
/// of the device or the property; it never fails. A property's visitor may stand in the model instead. A property
/// without `reportToCloud` is reported; cycles in nanoseconds are understood, with a warning. Pure.
device_spec parse_device(const json::value& device, const json::value* model);

}  // namespace skerry::twin
