#pragma once
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace skerry::bench {

/// A folder on a disk (not /tmp, which may be memory; or below $SKERRY_BENCH_DIR), removed at the end.
class folder {
public:
  folder() {
    const char* chosen = std::getenv("SKERRY_BENCH_DIR");
    auto pattern = std::string{chosen != nullptr ? chosen : "/var/tmp"} + "/skerry-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make " + pattern};
    path = pattern;
  }
  ~folder() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
  std::string path;
};

}  // namespace skerry::bench
