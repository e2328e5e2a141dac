#pragma once
#include "actors/store/view.hpp"
#include "schema/kube/validate.hpp"

namespace skerry::api {

/// Holds a Device against the DeviceModel that it names, where that is there: unknown properties, types, bounds. None
/// for other kinds.
kube::field_errors check_device_model_of(const kube::resource_info& info, const json::value& value,
                                         const store::view& view);

}  // namespace skerry::api
