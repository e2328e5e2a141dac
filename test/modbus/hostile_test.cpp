#include <poll.h>
#include <pty.h>
#include <termios.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>

#include "drivers/device/modbus/driver.hpp"
#include "test/json.hpp"
#include "test/modbus/server.hpp"

using namespace skerry;
using ports::quality;

namespace {

using test::parsed;

using readings = std::vector<ports::point_reading>;
readings read(ports::device_connection& device, std::vector<uint32_t> points) {
  auto p = std::make_shared<std::promise<readings>>();
  auto answer = p->get_future();
  device.read(std::move(points), 2'000, [p](auto r) { p->set_value(std::move(r)); });
  BOOST_REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  return answer.get();
}

std::unique_ptr<ports::device_connection> connect(ports::device_driver& driver, const std::string& address) {
  auto c = driver.connect(
      {"default/d", parsed(address), {{"p", parsed("{'register':'HoldingRegister','offset':1,'limit':2}")}}},
      {[](ports::device_health) {}});
  BOOST_REQUIRE(c);
  return std::move(*c);
}

/// Takes connections and answers each request with these bytes, whatever was asked.
class liar {
public:
  explicit liar(std::string says) : says_(std::move(says)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    BOOST_REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) == 0);
    BOOST_REQUIRE(::listen(fd_, 8) == 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~liar() {
    stop_ = true;
    thread_.join();
    ::close(fd_);
  }
  std::string address() const { return "{'ip':'127.0.0.1','port':" + std::to_string(port_) + ",'timeout':100}"; }

private:
  void run() {
    std::set<int> clients;
    while (!stop_) {
      std::vector<pollfd> fds{{fd_, POLLIN, 0}};
      for (auto c : clients) fds.push_back({c, POLLIN, 0});
      if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
      if (fds[0].revents != 0) clients.insert(::accept(fd_, nullptr, nullptr));
      for (size_t i = 1; i < fds.size(); ++i) {
        char got[300];
        if (fds[i].revents == 0) continue;
        auto n = ::recv(fds[i].fd, got, sizeof got, 0);
        if (n > 0 && ::send(fds[i].fd, says_.data(), says_.size(), MSG_NOSIGNAL) >= 0) continue;
        ::close(fds[i].fd);
        clients.erase(fds[i].fd);
      }
    }
    for (auto c : clients) ::close(c);
  }
  std::string says_;
  int fd_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// Two serial lines whose ends are tied together.
class cable {
public:
  cable() {
    for (auto& e : ends_) {
      char name[128];
      BOOST_REQUIRE(::openpty(&e.master, &e.slave, name, nullptr, nullptr) == 0);
      termios raw{};
      ::tcgetattr(e.slave, &raw);
      ::cfmakeraw(&raw);
      ::tcsetattr(e.slave, TCSANOW, &raw);
      e.path = name;
    }
    thread_ = std::thread([this] { run(); });
  }
  ~cable() {
    stop_ = true;
    thread_.join();
    for (auto& e : ends_) {
      ::close(e.master);
      ::close(e.slave);
    }
  }
  const std::string& path(int end) const { return ends_[end].path; }
  size_t carried() const { return carried_; }

private:
  void run() {
    while (!stop_) {
      pollfd fds[2] = {{ends_[0].master, POLLIN, 0}, {ends_[1].master, POLLIN, 0}};
      if (::poll(fds, 2, 20) <= 0) continue;
      for (int i = 0; i < 2; ++i) {
        char buffer[512];
        if (fds[i].revents == 0) continue;
        auto n = ::read(ends_[i].master, buffer, sizeof buffer);
        if (n <= 0) continue;
        carried_ += static_cast<size_t>(n);
        if (::write(ends_[1 - i].master, buffer, static_cast<size_t>(n)) != n) stop_ = true;
      }
    }
  }
  struct end {
    int master = -1, slave = -1;
    std::string path;
  };
  end ends_[2];
  std::atomic<size_t> carried_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// Slave 3 of a serial line; no other is there.
class serial_server {
public:
  explicit serial_server(const std::string& path) {
    map_ = ::modbus_mapping_new(0, 0, 10, 0);
    line_ = ::modbus_new_rtu(path.c_str(), 19200, 'N', 8, 1);
    ::modbus_set_slave(line_, 3);
    BOOST_REQUIRE(::modbus_connect(line_) == 0);
    ::modbus_set_indication_timeout(line_, 0, 50'000);
    // libmodbus waits that long for the answer of another slave before it listens again.
    ::modbus_set_response_timeout(line_, 0, 50'000);
    map_->tab_registers[1] = 11;
    map_->tab_registers[2] = 12;
    thread_ = std::thread([this] {
      uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
      while (!stop_) {
        ::modbus_set_slave(line_, 3);
        auto n = ::modbus_receive(line_, query);
        if (n > 0) ::modbus_reply(line_, query, n, map_);
      }
    });
  }
  ~serial_server() {
    stop_ = true;
    thread_.join();
    ::modbus_close(line_);
    ::modbus_free(line_);
    ::modbus_mapping_free(map_);
  }

private:
  modbus_mapping_t* map_ = nullptr;
  modbus_t* line_ = nullptr;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(modbus_hostile)

BOOST_AUTO_TEST_CASE(garbage_half_frames_and_floods_are_bad_and_harm_no_other) {
  test::modbus_server honest;
  auto driver = drivers::modbus::make_driver();
  const std::string lies[] = {
      std::string{"\x00", 1},                                                   // less than a header
      std::string{"\x00\x01\x00\x00\x00\x07\x01\x03\x04\x00", 10},              // a half frame
      std::string{"\xff\xff\x00\x00\x00\x07\x01\x03\x04\x00\x01\x00\x02", 13},  // of another transaction
      std::string{"\x00\x01\x00\x00\xff\xff\x01\x03\xff\x00\x01", 11},          // a length beyond all bounds
      std::string(50'000, 'x'),
      "HTTP/1.1 400 Bad Request\r\n\r\n",
  };
  auto good = connect(*driver, "{'ip':'127.0.0.1','port':" + std::to_string(honest.port()) + ",'timeout':500}");
  for (const auto& lie : lies) {
    BOOST_TEST_CONTEXT(lie.substr(0, 30)) {
      liar peer{lie};
      auto device = connect(*driver, peer.address());
      for (int i = 0; i < 6; ++i) {
        auto r = read(*device, {0});
        BOOST_REQUIRE(r.size() == 1u);
        BOOST_TEST((r[0].state == quality::bad));
        BOOST_TEST(!r[0].why.empty());
      }
      BOOST_TEST((read(*good, {0})[0].state == quality::good));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_serial_line_is_shared_by_its_slaves_in_turn) {
  cable line;
  serial_server server{line.path(0)};
  auto driver = drivers::modbus::make_driver();
  auto address = [&](int slave) {
    return "{'serialPort':'" + line.path(1) +
           "','baudRate':'19200','parity':'none','slaveID':" + std::to_string(slave) + ",'timeout':300}";
  };
  auto three = connect(*driver, address(3)), five = connect(*driver, address(5));
  for (int i = 0; i < 3; ++i) {
    auto r = read(*three, {0});
    BOOST_TEST((r[0].state == quality::good), r[0].why);
    BOOST_TEST((r[0].value.words == std::vector<uint16_t>{11, 12}));
    BOOST_TEST((read(*five, {0})[0].state == quality::bad));
  }
  // One that misses answer after answer is left alone for a while: the other is not held up by it.
  auto before = line.carried();
  for (int i = 0; i < 5; ++i) BOOST_TEST((read(*five, {0})[0].state == quality::bad));
  BOOST_TEST(line.carried() - before <= 8u);  // one request at most
  BOOST_TEST((read(*three, {0})[0].state == quality::good));
}

BOOST_AUTO_TEST_SUITE_END()
