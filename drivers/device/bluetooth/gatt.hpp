#pragma once
#include <deque>
#include <functional>

#include "drivers/device/bluetooth/att.hpp"

namespace skerry::drivers::bluetooth {

/// A characteristic that somebody wants.
struct wanted {
  device::gatt_uuid characteristic{};
  std::optional<device::gatt_uuid> service;
  bool notify = true;  ///< it is to tell by itself, if it can
};

/// Something that the client found out.
struct gatt_event {
  enum class kind : uint8_t {
    ready,   ///< the attributes are known: reads and writes begin
    value,   ///< a characteristic told its value by itself; not `whole`: there may be more of it
    read,    ///< an answer to read()
    written  ///< an answer to write()
  };
  kind what = kind::ready;
  uint32_t characteristic = 0;  ///< index into what was wanted
  uint32_t id = 0;              ///< as write() was given
  att::bytes value{};
  bool whole = true;
  std::string why{};       ///< it failed
  bool transient = false;  ///< a failure that may pass by itself
};

/// The client's side of GATT on one bearer (Bluetooth Core 5.4, Vol 3 Parts F and G): agrees on an MTU, discovers
/// services, characteristics and descriptors, subscribes, then reads and writes, one request at a time. Bytes in, bytes
/// out, pure: the peer is not trusted, everything is bounded, and what it cannot go on after is broken().
class gatt_client {
public:
  /// Asks for a better protected bearer; false if there is none. The request that was refused is then sent again, when
  /// the bearer takes PDUs again.
  using raise_security = std::function<bool()>;

  static constexpr size_t services_max = 256, characteristics_max = 1'024, operations_max = 512, answers_max = 32;
  static constexpr int64_t raise_ms_max = 10'000;  ///< keys that are there take a second, pairing without a code some
  static constexpr uint32_t garbage_max = 16;      ///< PDUs that make no sense, in a row

  gatt_client(std::vector<wanted> wants, uint32_t timeout_ms, raise_security raise);

  void on_pdu(att::view p, int64_t now_ms);
  void tick(int64_t now_ms);
  /// When to call tick(); INT64_MAX: never.
  int64_t due_ms() const { return outstanding_ != 0 || raising_ ? give_up_ms_ : INT64_MAX; }
  /// The next PDU to send, if there is one; a request's time runs from here.
  std::optional<att::bytes> to_send(int64_t now_ms);
  bool wants_to_send() const { return !broken() && (!answers_.empty() || may_request()); }

  /// Reads a characteristic, in pieces if it is long; while it waits to be read, once.
  void read(uint32_t characteristic);
  /// Writes one: by a request, in pieces if it is long, or by a command if it takes no other.
  void write(uint32_t characteristic, uint32_t id, att::bytes value);

  std::vector<gatt_event> take_events() { return std::exchange(events_, {}); }
  bool raising() const { return raising_; }  ///< the bearer is about to be better protected
  bool ready() const { return phase_ == phase::ready; }
  /// Why the bearer must be closed; empty: it need not.
  const std::string& broken_why() const { return broken_; }
  bool broken() const { return !broken_.empty(); }
  bool subscribed(uint32_t characteristic) const { return found_[characteristic].subscribed; }
  bool readable(uint32_t characteristic) const { return (found_[characteristic].properties & 0x02) != 0; }
  /// Why a characteristic cannot be used at all, or does not tell by itself although it was asked to.
  const std::string& problem(uint32_t characteristic) const { return found_[characteristic].why; }
  uint16_t mtu() const { return mtu_; }

private:
  enum class phase : uint8_t { mtu, services, characteristics, descriptors, subscribing, ready };
  struct service {
    uint16_t start = 0, end = 0;
    device::gatt_uuid uuid;
  };
  struct characteristic {
    uint16_t declaration = 0, value = 0, end = 0;
    uint8_t properties = 0;
    device::gatt_uuid uuid{};
  };
  struct found : characteristic {
    uint16_t configuration = 0;  ///< handle of its Client Characteristic Configuration
    bool subscribed = false;
    std::string why;
  };
  struct operation {
    uint32_t characteristic = 0, id = 0;
    bool is_write = false;
    att::bytes value;  ///< what was read so far; what is to be written
    size_t done = 0;   ///< of a long write
    bool long_write = false, executing = false;
    std::string why{};  ///< a piece of it was refused; what is queued is to be dropped
  };

  bool may_request() const;
  std::optional<att::bytes> request();
  std::optional<att::bytes> operation_request();
  void on_response(att::view p);
  void on_error(uint8_t code, int64_t now_ms);
  void on_discovered(att::view p);
  void take_services(const std::vector<att::entry>& entries);
  void take_characteristics(const std::vector<att::entry>& entries);
  void take_descriptors(const std::vector<att::entry>& entries);
  void match();
  const service* service_of(uint16_t handle) const;
  void next_phase();
  void next_subscriber(uint32_t from);
  void on_read(att::view value);
  void on_prepared(att::view p);
  void finish(std::string why, bool transient = false);
  void on_value(uint16_t handle, att::view value, bool whole);
  void on_many(att::view p);
  void garbage();
  void refused(uint8_t code);
  void break_off(std::string why) {
    if (broken_.empty()) broken_ = std::move(why);
  }

  std::vector<wanted> wants_;
  std::vector<found> found_;
  uint32_t timeout_ms_;
  raise_security raise_;
  phase phase_ = phase::mtu;
  uint16_t mtu_ = att::mtu_min, from_ = 1;
  uint32_t at_ = 0;  ///< whose descriptors are looked for, who is subscribed to
  std::vector<service> services_;
  std::vector<characteristic> characteristics_;
  std::deque<operation> operations_;
  std::deque<att::bytes> answers_;  ///< to the peer's own requests, and confirmations
  std::vector<gatt_event> events_;
  uint8_t outstanding_ = 0;  ///< opcode of the request that waits for its answer
  att::bytes sent_;          ///< that request
  bool again_ = false, raising_ = false;
  int64_t give_up_ms_ = 0;
  uint32_t garbage_ = 0;
  std::string broken_;
};

}  // namespace skerry::drivers::bluetooth
