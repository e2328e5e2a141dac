#include "drivers/machine/linux_machine.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

namespace skerry::machine {
namespace {

std::string first_line(const char* path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\n')) line.pop_back();
  return line;
}

/// A value of "NAME=value" or "NAME="value"".
std::string os_release(std::string_view name) {
  std::ifstream in{"/etc/os-release"};
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != '=') continue;
    auto value = line.substr(name.size() + 1);
    if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return "Linux";
}

int64_t meminfo(std::string_view name) {
  std::ifstream in{"/proc/meminfo"};
  std::string key, rest;
  int64_t kib = 0;
  while (in >> key >> kib && std::getline(in, rest))
    if (key == name) return kib * 1024;
  return 0;
}

std::string go_architecture(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine.starts_with("arm")) return "arm";
  if (machine == "i686" || machine == "i386") return "386";
  return std::string{machine};
}

/// The interface of the default route; empty without one.
std::string default_interface() {
  std::ifstream in{"/proc/net/route"};
  std::string line, name, destination;
  std::getline(in, line);
  while (in >> name >> destination && std::getline(in, line))
    if (destination == "00000000") return name;
  return {};
}

/// Addresses of interfaces that are up: of the default route's first, IPv4 before IPv6; bridges of pods are left out.
std::vector<std::string> addresses() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return {"127.0.0.1"};
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all{raw, ::freeifaddrs};
  auto preferred = default_interface();
  std::vector<std::string> best, others;
  for (auto* i = raw; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
    char text[INET6_ADDRSTRLEN] = {};
    if (i->ifa_addr->sa_family == AF_INET)
      ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr, text, sizeof text);
    else
      continue;
    (preferred == i->ifa_name ? best : others).emplace_back(text);
  }
  if (!best.empty()) return {best.front()};
  if (!others.empty()) return {others.front()};
  return {"127.0.0.1"};
}

void read_resolver(ports::machine_facts& f) {
  std::ifstream in{"/etc/resolv.conf"};
  for (std::string line; std::getline(in, line);) {
    std::istringstream words{line};
    std::string key, word;
    words >> key;
    if (key == "search") f.dns_searches.clear();
    while (words >> word) {
      if (key == "nameserver") f.dns_servers.push_back(word);
      if (key == "search") f.dns_searches.push_back(word);
      if (key == "options") f.dns_options.push_back(word);
    }
  }
}

int64_t cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max<int64_t>(::sysconf(_SC_NPROCESSORS_ONLN), 1);
}

}  // namespace

ports::machine_facts linux_machine::facts() const {
  ports::machine_facts f;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) f.hostname = name;
  f.ips = addresses();
  f.cpu_milli = cores() * 1000;
  f.memory_bytes = meminfo("MemTotal:");
  f.disk_bytes = load().disk_bytes;
  f.machine_id = first_line("/etc/machine-id");
  f.system_uuid = first_line("/sys/class/dmi/id/product_uuid");
  if (f.system_uuid.empty()) f.system_uuid = f.machine_id;
  f.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  utsname u{};
  if (::uname(&u) == 0) {
    f.kernel_version = u.release;
    f.architecture = go_architecture(u.machine);
  }
  f.os_image = os_release("PRETTY_NAME");
  read_resolver(f);
  return f;
}

ports::machine_load linux_machine::load() const {
  ports::machine_load l;
  l.memory_available_bytes = meminfo("MemAvailable:");
  struct statvfs v {};
  if (::statvfs(data_directory_.c_str(), &v) == 0) {
    auto block = static_cast<int64_t>(v.f_frsize);
    l.disk_bytes = static_cast<int64_t>(v.f_blocks) * block;
    l.disk_available_bytes = static_cast<int64_t>(v.f_bavail) * block;
    l.inodes = static_cast<int64_t>(v.f_files);
    l.inodes_available = static_cast<int64_t>(v.f_favail);
  }
  auto load = first_line("/proc/loadavg");  // "0.00 0.01 0.05 1/123 4567": running and all threads
  if (auto slash = load.find('/'); slash != std::string::npos) l.processes = std::atoll(load.c_str() + slash + 1);
  auto pids = std::atoll(first_line("/proc/sys/kernel/pid_max").c_str());
  auto threads = std::atoll(first_line("/proc/sys/kernel/threads-max").c_str());
  l.processes_max = threads > 0 ? std::min<int64_t>(pids, threads) : pids;
  return l;
}

}  // namespace skerry::machine
