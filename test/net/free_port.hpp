#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace skerry::test {

/// A TCP port of the loopback that nobody listens on just now.
inline int free_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  bool ok = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&name), size) == 0 &&
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!ok) throw std::runtime_error{"no free port on the loopback"};
  return ntohs(name.sin_port);
}

}  // namespace skerry::test
