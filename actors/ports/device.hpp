#pragma once
#include <caf/expected.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/device/conversion.hpp"
#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::ports {

/// How far a value can be relied upon (as the three levels of OPC UA Part 8, 6.3).
enum class quality : uint8_t { good, uncertain, bad };

/// One value of a device, as the driver finds it: `visitors.configData` of a property.
struct device_point {
  std::string name;  ///< for messages
  json::value config;
};
struct device_description {
  std::string name;    ///< "default/boiler", for messages
  json::value config;  ///< spec.protocol.configData
  std::vector<device_point> points;
  std::string protocol{};  ///< "modbus"; for who drives more than one
};

struct point_reading {
  uint32_t point = 0;  ///< index into device_description::points
  quality state = quality::bad;
  std::string why;  ///< of a quality that is not good
  device::raw_value value;
  int64_t age_ms = 0;  ///< how long ago the device said so, where it was not asked now
  uint64_t said = 0;   ///< then also a number of what it said: the same one again is nothing new. Else 0
};

/// Does the device answer?
struct device_health {
  bool online = false;
  std::string why;  ///< if not
  bool operator==(const device_health&) const = default;
};

/// Who hears of a device; called on a thread of the driver.
struct device_listener {
  /// At the first answer or failure, and then whenever it changes.
  std::function<void(device_health)> on_health;
  /// The device has said something by itself: it is worth reading now. Not again before the next read.
  std::function<void()> on_news{};
};

/// A device that a driver was told of. The driver connects, and connects again with a growing pause, as it is asked to
/// read and write. When it is destroyed, what is under way is answered (with errc::cancelled, or as bad) and health is
/// told no more; it does not wait for the device.
class device_connection {
public:
  virtual ~device_connection() = default;
  using readings = std::function<void(std::vector<point_reading>)>;
  using written = std::function<void(caf::error)>;
  /// Reads points in as few requests as it can. `done` is called exactly once, on a thread of the driver or before the
  /// call returns, with a reading for each point; a point that could not be read in `deadline_ms` is bad. Where the
  /// device speaks by itself there may be several for a point, oldest first: all that it said since the last read.
  virtual void read(std::vector<uint32_t> points, uint32_t deadline_ms, readings done) = 0;
  /// Writes a point. `done` is called exactly once, on a thread of the driver. Errors: errc::invalid (the device or the
  /// configuration refuses it: no use in trying again), errc::unavailable, errc::timed_out, errc::too_many.
  virtual void write(uint32_t point, device::raw_value value, uint32_t deadline_ms, written done) = 0;
};

/// A protocol. Callable from any thread. A device that hangs or lies harms the devices on its own bus alone.
class device_driver {
public:
  virtual ~device_driver() = default;
  /// "modbus": what device::protocol_of makes of spec.protocol.protocolName.
  virtual std::string_view protocol() const = 0;
  /// Is it to be asked for devices of this protocol? Those that are loaded when they are needed may not know yet.
  virtual bool drives(std::string_view which) const { return which == protocol(); }
  /// Takes a device on; does not block. Errors: errc::invalid, with the key, for a configuration that cannot be used;
  /// errc::too_many. A point whose own configuration cannot be used reads as bad, and says why.
  virtual caf::expected<std::unique_ptr<device_connection>> connect(device_description what,
                                                                    device_listener listener) = 0;
  /// Looks for devices of `which` at a place, for at most `deadline_ms`; blocks: for tools, not for actors. `where` is
  /// as spec.protocol.configData. Each is {"name", "config": configData, "properties": [{"name", "type", "readOnly",
  /// "config": visitors.configData}]}. Errors: errc::unsupported for a driver that cannot look.
  virtual caf::expected<json::array> discover(std::string_view which, const json::object& where, uint32_t deadline_ms) {
    static_cast<void>(where), static_cast<void>(deadline_ms);
    return make_error(errc::unsupported, "the driver for " + std::string{which} + " cannot look for devices");
  }
};

}  // namespace skerry::ports
