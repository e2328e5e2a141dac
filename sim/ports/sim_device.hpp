#pragma once
#include <map>
#include <mutex>

#include "actors/ports/device.hpp"
#include "schema/device/modbus.hpp"

namespace skerry::sim {

/// Devices in memory behind the port of drivers, each a set of registers, addressed as Modbus' are. Answers at once,
/// unless told to hang: then what was asked is answered when it stops.
class sim_device_driver final : public ports::device_driver {
public:
  explicit sim_device_driver(std::string protocol = "modbus") : protocol_(std::move(protocol)) {}
  std::string_view protocol() const override { return protocol_; }
  caf::expected<std::unique_ptr<ports::device_connection>> connect(ports::device_description what,
                                                                   ports::device_listener listener) override;

  /// "namespace/name" -> what the device is.
  struct device {
    std::map<uint16_t, uint16_t> registers;  ///< by address, of all kinds; one that is not there cannot be read
    bool online = true, hangs = false;
    size_t reads = 0, writes = 0, connections = 0;
    std::vector<std::function<void()>> held;  ///< what it did not answer
  };
  device& at(const std::string& name) { return devices_[name]; }
  /// Answers what waits, and hangs no more.
  void release(const std::string& name);

private:
  class connection;
  std::string protocol_;
  std::map<std::string, device> devices_;
};

}  // namespace skerry::sim
