#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "actors/ports/device.hpp"
#include "drivers/device/modbus/plan.hpp"

struct _modbus;

namespace skerry::drivers::modbus {

/// A device on a bus. Shared by its connection and the bus's thread.
struct slave {
  device::modbus_address address;
  std::vector<device::modbus_visitor> points;
  std::vector<std::string> refused;  ///< why a point cannot be used; empty if it can
  std::function<void(ports::device_health)> on_health;
  std::atomic<bool> closed{false};

  // The bus's thread alone:
  std::vector<bool> alone;  ///< points that were refused in a block with others
  ports::device_health told;
  bool told_once = false;
  uint32_t silent = 0;  ///< answers missed in a row
  std::chrono::steady_clock::time_point quiet_until{};
};
using slave_ptr = std::shared_ptr<slave>;

/// A line or a TCP connection, and the thread that works on it: libmodbus blocks. Devices on it take turns; one that
/// does not answer is left out for a growing pause, so that it takes no more from the others than its timeout now and
/// then.
class bus {
public:
  using clock = std::chrono::steady_clock;
  static constexpr size_t jobs_max = 1'024;  ///< waiting; more are refused

  struct job {
    slave_ptr who;
    clock::time_point deadline;
    std::vector<uint32_t> points;  ///< of a read; the one point of a write
    device::raw_value value;
    ports::device_connection::readings read;  ///< one of the two is set
    ports::device_connection::written written;
  };

  explicit bus(device::modbus_address where) : where_(std::move(where)) {}
  ~bus();
  bus(const bus&) = delete;
  bus& operator=(const bus&) = delete;

  void start();
  void add(job j);
  /// Ends the thread when it has finished what it is at; what waits is answered as cancelled.
  void stop();
  bool finished() const { return finished_; }

  size_t users = 0;  ///< connections; under the driver's lock

private:
  struct outcome {
    int error = 0;  ///< errno of libmodbus; 0: it worked
    std::string why;
    bool answered = false;  ///< the device said something, be it an exception
  };

  void run();
  void work(job& j);
  void work_read(job& j);
  void work_write(job& j);
  bool ready(const job& j, std::string& why);
  bool connect(const slave& s, std::string& why);
  void disconnect();
  void pause();
  template <class F>
  outcome attempt(slave& s, F&& f);
  outcome read_block(slave& s, const block& b, std::vector<ports::point_reading>& out);
  outcome request(slave& s, const block& b, device::raw_value& out);
  void note(slave& s, bool online, const std::string& why);
  void missed(slave& s);

  device::modbus_address where_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  bool stopping_ = false;
  std::atomic<bool> finished_{false};
  std::thread thread_;

  _modbus* line_ = nullptr;
  bool connected_ = false;
  uint32_t pause_ms_ = 0;
  uint32_t silent_ = 0;  ///< answers missed in a row, of all
  clock::time_point next_try_{};
  std::string last_error_;
};

}  // namespace skerry::drivers::modbus
