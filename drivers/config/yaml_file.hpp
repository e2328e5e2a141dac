#pragma once
#include <caf/expected.hpp>
#include <string>
#include <utility>
#include <vector>

namespace skerry::drivers::config {

/// Reads a configuration file whose keys are the names of flags ("listen: 127.0.0.1:6443"). A list gives a flag several
/// times. Returns pairs in the order of the file; none if `path` does not exist and `must_exist` is false.
/// Errors: errc::invalid with file, line and column; errc::not_found.
caf::expected<std::vector<std::pair<std::string, std::string>>> read_yaml(const std::string& path, bool must_exist);

}  // namespace skerry::drivers::config
