#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "drivers/device/opcua/client.hpp"
#include "drivers/device/opcua/values.hpp"
#include "drivers/device/plugin/skerry_driver.h"

namespace skerry::drivers::opcua {

/// A device on a server. What may change is guarded by its session's lock.
struct machine {
  static constexpr size_t unread_max = 1'024;  ///< of a point; then the oldest go
  struct saying {
    seen what;
    std::chrono::steady_clock::time_point at{};
    uint64_t number = 0;  ///< of all that was said; 0: it was asked for now
  };
  struct point {
    std::string node, refused;  ///< why it cannot be used; empty if it can
    uint32_t item = 0;          ///< of the subscription; 0: the server does not watch it
    uint64_t key = 0;           ///< what the item is known by
    bool heard = false;         ///< `last` is of this connection, and the server will say when it changes
    saying last;
    std::deque<saying> unread;          ///< what was said since the last read, `last` included
    const UA_DataType* type = nullptr;  ///< of the variable, once it is known
  };
  const skerry_host* host = nullptr;
  uint64_t id = 0;
  std::string name;
  device::opcua_address address;
  std::vector<point> points;
  bool watched = false, closed = false, news_told = false, told_once = false, told_online = false;
  std::string told_why;
};
using machine_ptr = std::shared_ptr<machine>;

/// A session with a server, and the thread that works on it: open62541's services wait for their answers, so a server
/// that does not answer holds up its own devices alone. All variables are watched by one subscription; those that the
/// server does not watch are read when they are asked for, as many as there are in one request. When the session is
/// lost a new one is made, with a growing pause, and all of that again.
class session : public std::enable_shared_from_this<session> {
public:
  using clock = std::chrono::steady_clock;
  static constexpr size_t jobs_max = 1'024;

  explicit session(device::opcua_address where) : where_(std::move(where)) {}
  void start();
  void stop();
  void add(const machine_ptr& m);
  void remove(const machine_ptr& m);
  void read(const machine_ptr& m, uint64_t ticket, std::vector<uint32_t> points, uint32_t deadline_ms);
  void write(const machine_ptr& m, uint64_t ticket, uint32_t point, std::string text, uint32_t deadline_ms);

  size_t users = 0;  ///< under the lock of who has it

private:
  struct job {
    machine_ptr who;
    uint64_t ticket = 0;
    clock::time_point deadline;
    std::vector<uint32_t> points;
    std::string text;
    bool is_write = false;
  };
  struct place {
    machine_ptr who;
    uint32_t point = 0;
  };

  void run();
  bool connect();
  void lost(const std::string& why);
  bool alive(std::string& why);
  bool subscribe();
  void work();
  void watch(const machine_ptr& m);
  void unwatch();
  void read_all(std::vector<job>& reads);
  std::vector<seen> read_values(const std::vector<std::string>& nodes);
  void write_one(const job& j);
  const UA_DataType* type_of(const job& j, std::string& why);
  void heard(uint64_t key, const UA_DataValue& v);
  void judge(machine& m);
  static void answer(const job& j, const std::vector<seen>& values);
  static void answer(const job& j, const std::vector<std::pair<uint32_t, machine::saying>>& values);
  static void answer_bad(const job& j, skerry_status status, const std::string& why);

  device::opcua_address where_;
  client_ptr client_;          // the thread's alone
  uint32_t subscription_ = 0;  // the thread's alone
  std::atomic<bool> inactive_{false};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::set<machine_ptr> machines_;
  std::map<uint64_t, place> places_;  // what is watched, by the key of its item
  std::vector<uint32_t> unwatched_;   // items that the server may forget
  std::deque<job> jobs_;
  uint64_t keys_ = 0, said_ = 0;
  bool stopping_ = false, connected_ = false, tried_ = false;
  std::string why_ = "not connected yet";
  uint32_t pause_ms_ = 0;
};

}  // namespace skerry::drivers::opcua
