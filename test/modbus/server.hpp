#pragma once
#include <modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace skerry::test {

/// A real Modbus TCP server, by the other side of libmodbus: 200 of each kind, holding registers 100 and above answer
/// Illegal data address; one client at a time and more. It can be silent, and can be taken away and brought back.
class modbus_server {
public:
  explicit modbus_server(int port = 0) {
    map_ = ::modbus_mapping_new(200, 200, 100, 200);
    start(port);
  }
  ~modbus_server() {
    stop();
    ::modbus_mapping_free(map_);
  }

  int port() const { return port_; }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void start(int port) {
    stopping_ = false;
    context_ = ::modbus_new_tcp("127.0.0.1", port);
    listening_ = ::modbus_tcp_listen(context_, 8);
    if (listening_ < 0) throw std::runtime_error("the test's Modbus server cannot listen");
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  void silent(bool b) { silent_ = b; }
  int requests() const { return requests_; }

  /// Reads or changes what the server holds.
  template <class F>
  auto with(F&& f) {
    std::lock_guard lock{mutex_};
    return f(*map_);
  }

private:
  void run() {
    std::set<int> clients;
    while (!stopping_) {
      std::vector<pollfd> fds{{listening_, POLLIN, 0}};
      for (auto c : clients) fds.push_back({c, POLLIN, 0});
      if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
      if (fds[0].revents != 0) clients.insert(::accept(listening_, nullptr, nullptr));
      for (size_t i = 1; i < fds.size(); ++i)
        if (fds[i].revents != 0 && !serve(fds[i].fd)) {
          ::close(fds[i].fd);
          clients.erase(fds[i].fd);
        }
    }
    for (auto c : clients) ::close(c);
    ::close(listening_);
    ::modbus_free(context_);
  }
  bool serve(int client) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    ::modbus_set_socket(context_, client);
    auto n = ::modbus_receive(context_, query);
    if (n <= 0) return n == 0;
    ++requests_;
    std::lock_guard lock{mutex_};
    return silent_ || ::modbus_reply(context_, query, n, map_) >= 0 || true;
  }

  modbus_mapping_t* map_ = nullptr;
  modbus_t* context_ = nullptr;
  int listening_ = -1, port_ = 0;
  std::atomic<bool> stopping_{false}, silent_{false};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::thread thread_;
};

}  // namespace skerry::test
