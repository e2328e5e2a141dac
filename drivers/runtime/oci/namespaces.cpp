#include "namespaces.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <schema/error.hpp>

#include "fs.hpp"
#include "pool.hpp"

namespace skerry::drivers::oci {
namespace {

struct job {
  const std::string& directory;
  const std::string& hostname;
  bool host_network;
  caf::error failed;
};

bool loopback_up() {
  descriptor fd{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  if (!fd || ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags |= IFF_UP;
  return ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

caf::error hold(const std::string& directory, const char* name) {
  auto place = directory + "/" + name;
  descriptor file{open(place.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444)};
  if (!file) return io_error("cannot make", place);
  auto source = std::string{"/proc/thread-self/ns/"} + name;
  if (mount(source.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return io_error("cannot hold the namespace", place);
  return {};
}

caf::error make(const job& j) {
  int flags = CLONE_NEWIPC | (j.host_network ? 0 : CLONE_NEWNET | CLONE_NEWUTS);
  if (unshare(flags) != 0) return io_error("cannot make namespaces for", j.directory);
  if (auto e = hold(j.directory, "ipc")) return e;
  auto shm = j.directory + "/shm";
  if (mkdir(shm.c_str(), 0755) != 0 && errno != EEXIST) return io_error("cannot make", shm);
  if (mount("shm", shm.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k") != 0)
    return io_error("cannot mount", shm);
  if (j.host_network) return {};
  if (sethostname(j.hostname.data(), j.hostname.size()) != 0) return io_error("cannot set the hostname", j.hostname);
  if (!loopback_up()) return io_error("cannot bring up the loopback of", j.directory);
  if (auto e = hold(j.directory, "uts")) return e;
  return hold(j.directory, "net");
}

void* thread_main(void* argument) {
  auto& j = *static_cast<job*>(argument);
  j.failed = make(j);
  return nullptr;
}

}  // namespace

caf::expected<void> make_namespaces(const std::string& directory, const std::string& hostname, bool host_network) {
  if (auto r = make_directories(directory, 0711); !r) return r;
  // On a thread of its own: it leaves our namespaces, and ends.
  job j{directory, hostname, host_network, {}};
  pthread_t thread;
  if (!start_thread(thread, thread_main, &j))
    return make_error(errc::io, "no thread to make namespaces in " + directory);
  pthread_join(thread, nullptr);
  if (j.failed) return std::move(j.failed);
  return caf::unit;
}

caf::expected<void> drop_namespaces(const std::string& directory) {
  if (!exists(directory)) return caf::unit;
  for (auto* name : {"/net", "/uts", "/ipc", "/shm"})
    while (umount2((directory + name).c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
  return remove_tree(directory);
}

bool namespaces_ready(const std::string& directory, bool host_network) {
  if (!holds_namespace(directory + "/ipc")) return false;
  return host_network || (holds_namespace(directory + "/net") && holds_namespace(directory + "/uts"));
}

}  // namespace skerry::drivers::oci
