#pragma once
#include <string>

#include "drivers/device/plugin/skerry_driver.h"
#include "schema/device/opcua.hpp"

namespace skerry::drivers::opcua {

/// What a server has: a device for each object with variables that can be properties, as discover() of skerry_driver.h
/// wants it, in `out`; or why there is nothing. The server's own nodes (namespace 0) are left out. At most 10,000 nodes
/// are looked at, 10 deep, and 1,000 variables are found.
skerry_status browse(const device::opcua_address& where, const json::object& config, uint32_t deadline_ms,
                     std::string& out);

}  // namespace skerry::drivers::opcua
