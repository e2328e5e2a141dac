#include "actors/ports/random.hpp"

#include <cstdio>

namespace skerry::ports {

std::string make_uuid(random& source) {
  auto hi = (source.next() & ~0xf000ULL) | 0x4000ULL;
  auto lo = (source.next() & ~(3ULL << 62)) | (2ULL << 62);
  char out[40];
  std::snprintf(out, sizeof out, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(hi >> 32),
                static_cast<unsigned>(hi >> 16) & 0xffff, static_cast<unsigned>(hi) & 0xffff,
                static_cast<unsigned>(lo >> 48), static_cast<unsigned long long>(lo & 0xffffffffffffULL));
  return out;
}

std::string make_suffix(random& source, int length) {
  static constexpr char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < length; ++i) out += alphabet[source.next() % (sizeof alphabet - 1)];
  return out;
}

}  // namespace skerry::ports
