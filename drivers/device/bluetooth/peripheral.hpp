#pragma once
#include <atomic>
#include <list>

#include "actors/ports/device.hpp"
#include "drivers/device/bluetooth/driver.hpp"
#include "drivers/device/bluetooth/gatt.hpp"

namespace skerry::drivers::bluetooth {

/// A device that the driver was told of: what does not change, but that it goes.
struct peripheral_spec {
  struct point {
    std::string refused;  ///< why it cannot be used; empty if it can
    bool rssi = false;
    uint32_t slot = 0;  ///< index into `wants`
  };
  device::bluetooth_address address;
  std::vector<point> points;
  std::vector<wanted> wants;  ///< each characteristic once
  ports::device_listener listener;
  mutable std::atomic<bool> closed{false};  ///< the listener is told no more
};

/// What is to be done for a device.
struct job {
  int64_t deadline_ms = 0;
  std::vector<uint32_t> points{};  ///< of a read; the one point of a write
  device::raw_value value{};
  ports::device_connection::readings read{};  ///< one of the two is set
  ports::device_connection::written written{};
};
void refuse(job& j, caf::error why);

/// A device and its connection, on the driver's thread alone. Connects, and connects again after a pause.
class peripheral {
public:
  static constexpr size_t jobs_max = 64;

  peripheral(std::shared_ptr<const peripheral_spec> spec, radio& air, const patience& p, int64_t not_before_ms);
  ~peripheral();
  peripheral(const peripheral&) = delete;
  peripheral& operator=(const peripheral&) = delete;

  void add(job j, int64_t now_ms);
  /// The socket to wait for, or -1; and for what.
  int fd() const { return fd_; }
  short events() const;
  void on_socket(short revents, int64_t now_ms);
  void tick(int64_t now_ms);
  int64_t due_ms() const;
  /// Closes the connection, and answers what waits as cancelled. Not to be connected before quiet_until_ms() again.
  void close(int64_t now_ms);
  int64_t quiet_until_ms() const { return quiet_until_ms_; }
  const peripheral_spec& spec() const { return *spec_; }

private:
  struct slot {
    bool known = false, fresh = false;  ///< fresh: the device would tell if it had changed
    att::bytes value{};
    uint64_t said = 0;  ///< counts what it told, and what was read
    int64_t at_ms = 0;
    std::string why{};  ///< the last read failed
  };
  struct pending_read {
    job what;
    std::vector<uint32_t> waits;  ///< slots
  };
  struct pending_write {
    job what;
    uint32_t id = 0;
    bool sent = false;
  };

  void connect(int64_t now_ms);
  void lost(const std::string& why, bool by_us, int64_t now_ms);
  void shut(bool by_us, int64_t now_ms);
  void pump(int64_t now_ms);
  void receive(int64_t now_ms);
  void take_events(int64_t now_ms);
  void on_ready(int64_t now_ms);
  void on_value(gatt_event& e, int64_t now_ms);
  void begin(pending_read& r);
  void begin(pending_write& w);
  void settle(uint32_t slot, int64_t now_ms);
  void answer(pending_read& r, int64_t now_ms);
  ports::point_reading reading_of(uint32_t point, int64_t now_ms);
  void fail_all(const std::string& why);
  void tell(bool online, const std::string& why);
  bool up() const { return client_ && client_->ready(); }
  device::bluetooth_address_type address_type() const;

  std::shared_ptr<const peripheral_spec> spec_;
  radio& air_;
  patience patience_;
  int fd_ = -1;
  bool connecting_ = false;
  std::unique_ptr<gatt_client> client_;
  std::vector<slot> slots_;
  std::list<pending_read> reads_;
  std::list<pending_write> writes_;
  uint32_t ids_ = 0;
  int64_t next_try_ms_ = 0, connect_until_ms_ = 0, quiet_until_ms_ = 0;
  int64_t no_raise_until_ms_ = 0;  ///< pairing failed: what wants it reads as bad, the rest goes on
  uint32_t pause_ms_ = 0;
  bool guess_random_ = false, type_known_ = false;
  std::string why_;  ///< why there is no connection
  bool news_told_ = false, told_once_ = false;
  ports::device_health told_;
};

}  // namespace skerry::drivers::bluetooth
