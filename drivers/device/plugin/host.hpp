#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "actors/ports/device.hpp"
#include "drivers/device/plugin/skerry_driver.h"
#include "schema/error.hpp"

namespace skerry::drivers::plugin {

/// A device of a driver that is a shared object.
struct guest {
  using clock = std::chrono::steady_clock;
  uint64_t id = 0;
  std::string name, config;
  std::vector<std::pair<std::string, std::string>> points;  ///< name and configuration, as JSON
  ports::device_listener listener;

  // What its listener was told; its own lock, held while it is told, so that it hears things in their order.
  std::recursive_mutex telling;
  bool closed = false, told_once = false, silent = false;
  ports::device_health told, said;  ///< `said`: the driver's own word
  bool said_once = false;

  // The calling thread alone:
  void* self = nullptr;
  bool open = false;
  skerry_status refused = SKERRY_OK;
  std::string why;
  uint32_t pause_ms = 0;
  clock::time_point next_try{};
};
using guest_ptr = std::shared_ptr<guest>;

/// Stands between the port and one driver: calls it on a thread of its own, answers for it at the deadlines, and takes
/// its answers, once each. Whatever the driver does short of crashing, `done` of the port is called exactly once.
class host : public std::enable_shared_from_this<host> {
public:
  using clock = guest::clock;
  static constexpr size_t waiting_max = 1'024;  ///< reads and writes under way; more are refused

  static constexpr size_t readings_max = 65'536;  ///< in one answer

  explicit host(const skerry_driver& driver);
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  /// Begins two threads; they end after stop(), when what waits is done.
  void start();
  guest_ptr add(ports::device_description what, ports::device_listener listener);
  void remove(const guest_ptr& g);
  void read(const guest_ptr& g, std::vector<uint32_t> points, uint32_t deadline_ms,
            ports::device_connection::readings done);
  void write(const guest_ptr& g, uint32_t point, std::string text, uint32_t deadline_ms,
             ports::device_connection::written done);
  void stop();
  /// Waits for the threads; false if the driver hangs.
  bool ended_in(std::chrono::milliseconds ms);

  size_t users = 0;  ///< under the lock of who has it

private:
  struct table : skerry_host {
    host* owner;
  };
  struct pending {
    guest_ptr who;
    clock::time_point deadline;
    std::vector<uint32_t> points;
    ports::device_connection::readings read;  ///< one of the two is set
    ports::device_connection::written written;
  };
  struct job {
    enum { open, read, write, close } what = open;
    guest_ptr who;
    uint64_t ticket = 0;
    std::string text;
  };

  void call();
  void carry_out(const job& j);
  bool opened(guest& g);
  void ask(const job& j);
  void watch();
  void add_pending(pending p, job j);
  std::optional<pending> take(uint64_t ticket);
  guest_ptr guest_of(uint64_t id);
  void say(guest& g, const ports::device_health& h);
  void set_silent(guest& g, bool silent);
  static void tell(guest& g, const ports::device_health& h);
  static void answer(const pending& p, errc code, const std::string& why);
  void on_read(uint64_t ticket, const skerry_reading* readings, size_t count);
  void on_written(uint64_t ticket, skerry_status status, skerry_text why);

  const skerry_driver& driver_;
  table table_;
  std::mutex mutex_;
  std::condition_variable wake_, wake_watch_, ended_;
  std::deque<job> jobs_;
  std::map<uint64_t, guest_ptr> guests_;
  std::map<uint64_t, pending> pending_;                         // by ticket
  std::set<std::pair<clock::time_point, uint64_t>> deadlines_;  // of those
  uint64_t numbers_ = 0;
  bool stopping_ = false, called_ = false, finished_ = false;
};

}  // namespace skerry::drivers::plugin
