#pragma once
#include <algorithm>
#include <string>

#include "schema/device/limits.hpp"

namespace skerry::twin {

/// At most limits::device_text_bytes_max bytes of a text, whole characters.
inline std::string cut(std::string s) {
  auto size = std::min(s.size(), limits::device_text_bytes_max);
  while (size < s.size() && size > 0 && (static_cast<unsigned char>(s[size]) & 0xc0) == 0x80) --size;
  s.resize(size);
  return s;
}

}  // namespace skerry::twin
