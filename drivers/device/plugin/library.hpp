#pragma once
#include <caf/expected.hpp>
#include <string>

#include "drivers/device/plugin/skerry_driver.h"

namespace skerry::drivers::plugin {

/// Could this be the name of a driver's file? Letters, digits, '-', '_', at most 63 bytes: nothing that leads
/// elsewhere.
bool is_protocol(std::string_view name);

/// Loads `directory`/`protocol`.so, which stays loaded until the process ends: its threads may be anywhere. Errors,
/// each with the file and what to do: errc::not_found if there is none; errc::invalid for one that cannot be loaded
/// (what the loader says), that everybody may write to, that has no skerry_driver_main or returns none, that is made
/// for another version of the ABI, that lacks a function, or that is for another protocol.
caf::expected<const skerry_driver*> load(const std::string& directory, const std::string& protocol);

}  // namespace skerry::drivers::plugin
