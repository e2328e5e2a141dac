#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::ports {

/// What a node is: read once at start.
struct machine_facts {
  std::string hostname;
  std::vector<std::string> ips;  ///< addresses that others reach it at, the one of the default route first
  int64_t cpu_milli = 0;         ///< cores that this process may use, in thousandths
  int64_t memory_bytes = 0;
  int64_t disk_bytes = 0;  ///< of the file system that holds the data directory
  std::string machine_id, system_uuid, boot_id;
  std::string kernel_version;                                       ///< "6.1.0-18-amd64"
  std::string os_image;                                             ///< "Debian GNU/Linux 12 (bookworm)"
  std::string architecture;                                         ///< Go's name: "amd64", "arm64", "arm"
  std::vector<std::string> dns_servers, dns_searches, dns_options;  ///< of /etc/resolv.conf
};

/// How much is left: read every few seconds.
struct machine_load {
  int64_t memory_available_bytes = 0;
  int64_t disk_available_bytes = 0, disk_bytes = 0;
  int64_t inodes_available = 0, inodes = 0;
  int64_t processes = 0, processes_max = 0;
};

/// The machine that a node is. Real: drivers/machine (/proc, /sys, statvfs). Short; callable from any thread.
class machine {
public:
  virtual ~machine() = default;
  virtual machine_facts facts() const = 0;
  virtual machine_load load() const = 0;
};

}  // namespace skerry::ports
