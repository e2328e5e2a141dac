#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/store/object.hpp"
#include "actors/telemetry/sample.hpp"
#include "schema/letter.hpp"
#include "schema/telemetry.capnp.h"

namespace skerry::telemetry {

/// The device that samples are from.
struct source {
  std::string ns, name, uid;
};

/// Collects samples, in the order in which they come, for a frame.
class frame_builder {
public:
  void add(const source& from, std::string_view property, sample s);
  /// All of a frame. Errors: errc::corrupt, and then none of it was taken.
  caf::error add(const letter<schema::SampleFrame>& frame);
  size_t samples() const { return samples_; }
  size_t bytes() const { return bytes_; }  ///< about as many as the frame will have, or less
  /// What was collected, and begins anew.
  letter<schema::SampleFrame> take();

private:
  struct device {
    source from;
    std::map<std::string, std::vector<sample>, std::less<>> properties;
  };
  device& of(const source& from);

  std::map<std::string, device, std::less<>> devices_;  // by uid
  size_t samples_ = 0, bytes_ = 0;
};

/// Calls `visit` with each property's name and column in the bytes of schema::SampleFrame.Device.series.
/// Errors: errc::corrupt.
caf::error visit_series(std::string_view series,
                        const std::function<void(std::string_view property, std::string_view column)>& visit);

/// Checks a frame of somebody else: errc::corrupt if it does not unpack to its last byte. Returns the number of
/// samples.
caf::expected<size_t> check_frame(const letter<schema::SampleFrame>& frame);

using store::view_of;
inline std::string_view view_of(capnp::Data::Reader d) { return {reinterpret_cast<const char*>(d.begin()), d.size()}; }
/// The bytes of a letter, for a store.
inline std::string_view view_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace skerry::telemetry
