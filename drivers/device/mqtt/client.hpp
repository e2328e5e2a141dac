#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "actors/ports/device.hpp"
#include "schema/device/mqtt.hpp"

struct mosquitto;
struct mosquitto_message;

namespace skerry::drivers::mqtt {

/// A device that speaks MQTT: what it said last. All but what is constant is guarded by its client's lock.
struct station {
  static constexpr size_t unread_max = 1'024;  ///< of a point; then the oldest go
  struct saying {
    std::string text;     ///< the value
    std::string wrong;    ///< why it is none
    int64_t at_ms = -1;   ///< when, by the steady clock; -1: nothing was said yet
    uint64_t number = 0;  ///< of all that was said
  };
  struct point {
    device::mqtt_visitor where;
    std::string refused;  ///< why it cannot be used; empty if it can
    saying last;
    std::deque<saying> unread;  ///< what was said since the last read, `last` included; at most unread_max
  };
  device::mqtt_address address;
  std::vector<point> points;
  ports::device_listener listener;

  bool closed = false, news_told = false, told_once = false;
  ports::device_health told;
  int64_t heard_ms = -1;     ///< any message
  std::string says_offline;  ///< the device's own word (stateTopic); empty: it says that it is online, or nothing
  bool says_online = false;
};
using station_ptr = std::shared_ptr<station>;

/// A connection to a broker, and the thread that works on it. Devices of one broker and user share it.
class client {
public:
  static constexpr size_t writes_max = 1'024;              ///< under way
  static constexpr size_t payload_bytes_max = 256 * 1024;  ///< larger messages are not looked into

  explicit client(device::mqtt_address where);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void start();
  void add(const station_ptr& s);
  void remove(const station_ptr& s);
  /// All that was said of these points since the last time; of one that said nothing, what it said last.
  std::vector<ports::point_reading> read(station& s, const std::vector<uint32_t>& points);
  void write(station& s, uint32_t point, const std::string& text, uint32_t deadline_ms,
             ports::device_connection::written done);
  /// Ends the thread soon; the destructor waits for it.
  void stop();
  bool finished() const { return finished_; }

  size_t users = 0;  ///< under the driver's lock

private:
  struct pending {
    int64_t deadline_ms = 0;
    ports::device_connection::written done;
  };
  using notices = std::vector<std::function<void()>>;  ///< for listeners, called without the lock

  void run();
  bool set_up();
  int connect();
  void listen(const std::string& topic, int qos);
  void listen_for(station& s);
  void on_connected(int code);
  void on_disconnected(int code);
  void on_message(const mosquitto_message& m);
  void on_published(int id);
  void on_subscribed(int id, int qos);
  void take(station& s, const mosquitto_message& m, std::string_view payload, notices& out);
  void tick();
  ports::point_reading now_of(const station& s, uint32_t i) const;
  void judge(station& s, notices& out);
  void fail_writes(int64_t now_ms, const std::string& why);
  static int64_t now_ms();

  device::mqtt_address where_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::set<station_ptr> stations_;
  std::map<int, pending> writes_;         // by message id
  std::map<int, std::string> listening_;  // by message id: topics that the broker has not granted yet
  std::set<std::string> refused_;         // topics that the broker does not let us hear
  mosquitto* line_ = nullptr;
  bool secured_ = false;  ///< the files for TLS have been read
  bool connected_ = false, stopping_ = false, tried_ = false;
  std::string why_ = "not connected yet";
  uint32_t pause_ms_ = 0;
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

}  // namespace skerry::drivers::mqtt
