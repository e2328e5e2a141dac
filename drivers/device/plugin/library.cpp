#include "drivers/device/plugin/library.hpp"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "schema/error.hpp"

namespace skerry::drivers::plugin {
namespace {

/// Its code runs as the agent: who may write the file is root here.
caf::error check_file(const std::string& file, const std::string& protocol) {
  struct stat s {};
  if (::stat(file.c_str(), &s) != 0)
    return errno == ENOENT || errno == ENOTDIR ? make_error(errc::not_found, "this node has no driver for protocol '" +
                                                                                 protocol + "': there is no " + file)
                                               : make_error(errc::invalid, "driver " + file + ": " + ::strerror(errno));
  if (!S_ISREG(s.st_mode)) return make_error(errc::invalid, "driver " + file + " is no file");
  if ((s.st_mode & S_IWOTH) != 0)
    return make_error(errc::invalid,
                      "driver " + file + " may be written to by everybody, and is not loaded: chmod o-w");
  return {};
}

const skerry_driver* table_of(skerry_driver_main_function entry) {
  try {
    return entry();
  } catch (...) {
    return nullptr;
  }
}

caf::error check_table(const std::string& file, const skerry_driver& d, const std::string& protocol) {
  if (d.abi != SKERRY_DRIVER_ABI)
    return make_error(errc::invalid, "driver " + file + " is made for version " + std::to_string(d.abi) +
                                         " of skerry_driver.h, this agent has version " +
                                         std::to_string(SKERRY_DRIVER_ABI) + ": build it against this one");
  if (d.size < offsetof(skerry_driver, discover))
    return make_error(errc::invalid, "driver " + file + " gives a table of " + std::to_string(d.size) + " bytes, " +
                                         std::to_string(offsetof(skerry_driver, discover)) + " are wanted at least");
  if (d.protocol == nullptr || d.open == nullptr || d.read == nullptr || d.write == nullptr || d.close == nullptr)
    return make_error(errc::invalid, "driver " + file + " leaves out open, read, write, close or its protocol");
  if (d.protocol != protocol)
    return make_error(errc::invalid, "driver " + file + " is for protocol '" + std::string{d.protocol} +
                                         "': its file must be named after that");
  return {};
}

}  // namespace

bool is_protocol(std::string_view name) {
  auto fine = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), fine);
}

caf::expected<const skerry_driver*> load(const std::string& directory, const std::string& protocol) {
  if (!is_protocol(protocol))
    return make_error(errc::not_found, "this node has no driver for protocol '" + protocol + "'");
  auto file = directory + "/" + protocol + ".so";
  if (auto e = check_file(file, protocol)) return e;
  // Its names are its own; what it lacks shows now, and not in the middle of a call.
  void* loaded = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (loaded == nullptr) {
    const char* why = ::dlerror();
    return make_error(errc::invalid, "driver " + file + " cannot be loaded: " + (why != nullptr ? why : "no reason"));
  }
  auto entry = reinterpret_cast<skerry_driver_main_function>(::dlsym(loaded, "skerry_driver_main"));
  if (entry == nullptr)
    return make_error(errc::invalid, "driver " + file + " has no skerry_driver_main: it is no driver of Skerry");
  const auto* table = table_of(entry);
  if (table == nullptr) return make_error(errc::invalid, "driver " + file + " says that it cannot work here");
  if (auto e = check_table(file, *table, protocol)) return e;
  return table;
}

}  // namespace skerry::drivers::plugin
