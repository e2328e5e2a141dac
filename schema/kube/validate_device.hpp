#pragma once
#include "schema/kube/validate.hpp"

namespace skerry::kube {

/// Checks a Device against its DeviceModel: properties that the model does not have, desired values of a wrong type,
/// out of the model's bounds or of a read-only property, registers that cannot hold the property's type. Each error
/// names its field.
field_errors validate_device_against(const json::value& device, const json::value& model);

}  // namespace skerry::kube
