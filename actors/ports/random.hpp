#pragma once
#include <cstdint>
#include <string>

namespace skerry::ports {

/// Chance. Real: the operating system's generator (drivers/random); in the simulator: drawn from the seed.
/// Callable from any thread.
class random {
public:
  virtual ~random() = default;
  virtual uint64_t next() = 0;
};

/// A version 4 UUID (RFC 9562 section 5.4) in its text form.
std::string make_uuid(random& source);

/// `length` characters of Kubernetes' own alphabet for generated names ("bcdfghjklmnpqrstvwxz2456789").
std::string make_suffix(random& source, int length = 5);

}  // namespace skerry::ports
