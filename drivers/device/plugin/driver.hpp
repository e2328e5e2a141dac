#pragma once
#include <memory>
#include <string>

#include "actors/ports/device.hpp"

namespace skerry::drivers::plugin {

/// The drivers that are shared objects in `directory`, each for the protocol that its file is named after (see
/// skerry_driver.h). One is loaded when a device asks for it, has two threads while it has devices, and harms no other
/// when it hangs; one that crashes takes the process with it.
std::unique_ptr<ports::device_driver> make_drivers(std::string directory);

}  // namespace skerry::drivers::plugin
