#pragma once
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actors/telemetry/frame.hpp"
#include "schema/error.hpp"

namespace skerry::telemetry {

/// A device and its properties, whose numbers samples have.
struct device_points {
  source device;
  std::vector<std::string> properties;
};
struct point_sample {
  uint32_t point = 0;
  sample what;
};

/// A twin to the courier, as a request: answered when they are on disk (an error: they are not).
struct samples_taken {
  std::shared_ptr<const device_points> of;
  std::vector<point_sample> samples;
};

}  // namespace skerry::telemetry

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::telemetry::samples_taken)
