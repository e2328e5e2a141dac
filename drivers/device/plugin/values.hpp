#pragma once
#include <string>

#include "actors/ports/device.hpp"
#include "drivers/device/plugin/skerry_driver.h"

/// What a driver says, in our words. Its bytes are not trusted: texts are cut at limits::device_text_bytes_max.
namespace skerry::drivers::plugin {

/// A text for people: UTF-8, else '?' for what is none; no control characters.
std::string cleaned(skerry_text text);

/// Bad, with a reason, for a kind or a quality that there is not, and for a number that is none.
ports::point_reading reading_of(const skerry_reading& r);

/// None for SKERRY_OK; an unknown status is errc::unavailable.
caf::error error_of(skerry_status status, skerry_text why);

}  // namespace skerry::drivers::plugin
