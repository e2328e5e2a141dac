#include "drivers/config/yaml_file.hpp"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include "schema/error.hpp"

namespace skerry::drivers::config {

caf::expected<std::vector<std::pair<std::string, std::string>>> read_yaml(const std::string& path, bool must_exist) {
  std::vector<std::pair<std::string, std::string>> out;
  if (::access(path.c_str(), F_OK) != 0) {
    if (!must_exist) return out;
    return make_error(errc::not_found, "no configuration file " + path + ": create it or leave --config out");
  }
  try {
    auto root = YAML::LoadFile(path);
    if (root.IsNull()) return out;
    if (!root.IsMap()) return make_error(errc::invalid, path + ": expected a map of flag names to values");
    for (const auto& entry : root) {
      auto key = entry.first.as<std::string>();
      if (entry.second.IsSequence()) {
        for (const auto& item : entry.second) out.emplace_back(key, item.as<std::string>());
      } else {
        out.emplace_back(key, entry.second.as<std::string>());
      }
    }
    return out;
  } catch (const YAML::Exception& e) {
    return make_error(errc::invalid, path + ": " + e.what());
  }
}

}  // namespace skerry::drivers::config
