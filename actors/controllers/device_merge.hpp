#pragma once
#include "actors/controllers/fact_merge.hpp"

namespace skerry::controllers {

/// Folds what `node` states of a device into the view: the DeviceStatus of the device's name (made if it is missing,
/// owned by the Device, so that it goes with it) and the same under `status` of the Device, for those who read it
/// there. The Device must be placed on the node (spec.nodeName) and have this uid; what is said of another is dropped.
/// What the node sends is taken over member by member: state, lastOnlineTime, extensions and at most
/// limits::device_properties_max twins, texts of at most limits::device_text_bytes_max; all else is left out. Pure but
/// for the stamps of a new object.
merged_fact merge_device_status(const store::view& v, const kube::registry& registry, const std::string& node,
                                const link::fact_data& fact, const moment& now);

}  // namespace skerry::controllers
