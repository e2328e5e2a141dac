#include "tools/skerry-bench/modbus_device.hpp"

#include <modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <stdexcept>
#include <vector>

namespace skerry::bench {

modbus_device::modbus_device() {
  map_ = ::modbus_mapping_new(0, 0, 200, 0);
  context_ = ::modbus_new_tcp("127.0.0.1", 0);
  listening_ = ::modbus_tcp_listen(context_, 128);
  sockaddr_in name{};
  socklen_t size = sizeof name;
  if (listening_ < 0 || ::getsockname(listening_, reinterpret_cast<sockaddr*>(&name), &size) != 0)
    throw std::runtime_error("no port for a Modbus server");
  port_ = ntohs(name.sin_port);
  thread_ = std::thread([this] { run(); });
}

modbus_device::~modbus_device() {
  stopping_ = true;
  thread_.join();
  ::close(listening_);
  ::modbus_free(context_);
  ::modbus_mapping_free(map_);
}

uint16_t modbus_device::get(int address) {
  std::lock_guard lock{mutex_};
  return map_->tab_registers[address];
}

void modbus_device::set(int address, uint16_t value) {
  std::lock_guard lock{mutex_};
  map_->tab_registers[address] = value;
}

void modbus_device::run() {
  std::set<int> clients;
  while (!stopping_) {
    std::vector<pollfd> fds{{listening_, POLLIN, 0}};
    for (auto c : clients) fds.push_back({c, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), 50) <= 0) continue;
    if (fds[0].revents != 0) clients.insert(::accept(listening_, nullptr, nullptr));
    for (size_t i = 1; i < fds.size(); ++i)
      if (fds[i].revents != 0 && !serve(fds[i].fd)) {
        ::close(fds[i].fd);
        clients.erase(fds[i].fd);
      }
  }
  for (auto c : clients) ::close(c);
}

bool modbus_device::serve(int client) {
  uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
  ::modbus_set_socket(context_, client);
  auto n = ::modbus_receive(context_, query);
  if (n <= 0) return n == 0;
  std::lock_guard lock{mutex_};
  return ::modbus_reply(context_, query, n, map_) >= 0;
}

}  // namespace skerry::bench
