#pragma once
#include <atomic>
#include <mutex>
#include <thread>

struct _modbus;
struct _modbus_mapping_t;

namespace skerry::bench {

/// A Modbus TCP server on a port of its own, on libmodbus, with holding registers: the devices of the benchmark.
class modbus_device {
public:
  modbus_device();
  ~modbus_device();
  int port() const { return port_; }
  uint16_t get(int address);
  void set(int address, uint16_t value);

private:
  void run();
  bool serve(int client);
  _modbus* context_ = nullptr;
  _modbus_mapping_t* map_ = nullptr;
  int listening_ = -1, port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::thread thread_;
};

}  // namespace skerry::bench
