#pragma once
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "drivers/device/bluetooth/att.hpp"
#include "drivers/device/bluetooth/radio.hpp"
#include "schema/error.hpp"

namespace skerry::test {

namespace att = drivers::bluetooth::att;

/// A peripheral's attributes and what it answers: a GATT server as small as the specification allows. Bytes in, bytes
/// out.
class gatt_server {
public:
  struct attribute {
    device::gatt_uuid type;
    att::bytes value;
    uint8_t properties = 0;  ///< of a characteristic's value
    uint8_t refuses = 0;     ///< the error for who reads or writes it
    size_t bytes_max = 512;
  };
  std::vector<attribute> attributes;  ///< handle 1 is the first
  uint16_t mtu_max = 64, mtu = 23;
  std::vector<att::bytes> commands;  ///< Write Commands that came
  size_t requests = 0;

  uint16_t add(uint32_t type, att::bytes value) { return add({device::uuid_of_short(type), std::move(value)}); }
  uint16_t add(attribute a) {
    attributes.push_back(std::move(a));
    return static_cast<uint16_t>(attributes.size());
  }
  void service(uint16_t uuid) { add(0x2800, {static_cast<uint8_t>(uuid), static_cast<uint8_t>(uuid >> 8)}); }
  /// Returns the value's handle; its configuration, if it can tell by itself, is the next one.
  uint16_t characteristic(const device::gatt_uuid& uuid, uint8_t properties, att::bytes value) {
    auto handle = static_cast<uint16_t>(attributes.size() + 2);
    auto is_short = device::text_of(uuid).size() == 4;
    att::bytes declaration{properties};
    att::put(declaration, handle);
    declaration.insert(declaration.end(), uuid.begin() + (is_short ? 12 : 0), uuid.end() - (is_short ? 2 : 0));
    add(0x2803, declaration);
    add({uuid, std::move(value), properties});
    if ((properties & 0x30) != 0) add(0x2902, {0, 0});
    add(0x2901, {'x'});
    return handle;
  }
  uint16_t characteristic(uint16_t uuid, uint8_t properties, std::string_view value) {
    return characteristic(device::uuid_of_short(uuid), properties, {value.begin(), value.end()});
  }
  attribute& at(uint16_t handle) { return attributes[handle - 1U]; }
  bool told_to_tell(uint16_t handle) { return at(handle + 1).value[0] != 0; }

  static att::bytes error(uint8_t op, uint16_t handle, uint8_t code) {
    att::bytes out{1, op};
    att::put(out, handle);
    out.push_back(code);
    return out;
  }
  att::bytes cut(att::bytes out) const {
    if (out.size() > mtu) out.resize(mtu);
    return out;
  }

  /// The answer to a PDU; empty: none.
  att::bytes answer(att::view p) {
    if (p.empty() || p[0] == att::confirmation) return {};
    ++requests;
    switch (p[0]) {
      case att::mtu_request:
        mtu = std::min(mtu_max, att::word(p, 1));
        return att::pdu(att::mtu_response, {mtu_max});
      case att::by_group_request:
      case att::by_type_request:
      case att::information_request:
        return list(p);
      case att::read_request:
      case att::blob_request:
        return read(p);
      case att::write_request:
      case att::write_command:
      case att::prepare_request:
      case att::execute_request:
        return write(p);
      default:
        return (p[0] & 1) != 0 ? att::bytes{} : error(p[0], 0, att::not_supported);
    }
  }

private:
  static att::bytes short_form(const device::gatt_uuid& u) {
    if (device::text_of(u).size() == 4) return {u[12], u[13]};
    return {u.begin(), u.end()};
  }
  uint16_t group_end(uint16_t handle) const {
    for (size_t i = handle; i < attributes.size(); ++i)
      if (attributes[i].type == device::uuid_of_short(0x2800)) return static_cast<uint16_t>(i);
    return 0xffff;
  }
  att::bytes list(att::view p) const {
    auto from = att::word(p, 1), to = att::word(p, 3);
    att::bytes out{static_cast<uint8_t>(p[0] + 1), 0};
    for (uint32_t h = from; h <= to && h <= attributes.size(); ++h) {
      const auto& a = attributes[h - 1];
      if (p[0] != att::information_request && a.type != att::uuid_in(p.subspan(5))) continue;
      att::bytes e;
      att::put(e, static_cast<uint16_t>(h));
      if (p[0] == att::by_group_request) att::put(e, group_end(static_cast<uint16_t>(h)));
      auto rest = p[0] == att::information_request ? short_form(a.type) : a.value;
      e.insert(e.end(), rest.begin(), rest.end());
      auto mark = static_cast<uint8_t>(p[0] != att::information_request ? e.size() : rest.size() == 2 ? 1 : 2);
      if (out.size() == 2) out[1] = mark;
      if (out[1] != mark || out.size() + e.size() > mtu) break;
      out.insert(out.end(), e.begin(), e.end());
    }
    return out.size() == 2 ? error(p[0], from, att::not_found) : out;
  }
  att::bytes read(att::view p) const {
    auto handle = att::word(p, 1);
    if (handle == 0 || handle > attributes.size()) return error(p[0], handle, att::invalid_handle);
    const auto& a = attributes[handle - 1U];
    if (a.refuses != 0) return error(p[0], handle, a.refuses);
    size_t offset = p[0] == att::blob_request ? att::word(p, 3) : 0;
    if (offset > a.value.size()) return error(p[0], handle, att::invalid_offset);
    return cut(att::pdu(static_cast<uint8_t>(p[0] + 1), {}, att::view{a.value}.subspan(offset)));
  }
  att::bytes write(att::view p) {
    if (p[0] == att::execute_request) {
      if (p[1] == 1) at(prepared_.first).value = prepared_.second;
      prepared_ = {};
      return {att::execute_response};
    }
    auto handle = att::word(p, 1);
    if (p[0] == att::write_command) commands.emplace_back(p.begin(), p.end());
    if (handle == 0 || handle > attributes.size()) return error(p[0], handle, att::invalid_handle);
    auto& a = at(handle);
    auto refuses = a.refuses != 0 ? a.refuses : p.size() - 3 > a.bytes_max ? uint8_t{0x0d} : uint8_t{0};
    if (refuses != 0) return p[0] == att::write_command ? att::bytes{} : error(p[0], handle, refuses);
    if (p[0] == att::prepare_request) {
      prepared_.first = handle;
      prepared_.second.insert(prepared_.second.end(), p.begin() + 5, p.end());
      att::bytes echo{p.begin(), p.end()};
      echo[0] = att::prepare_response;
      return echo;
    }
    a.value.assign(p.begin() + 3, p.end());
    return p[0] == att::write_command ? att::bytes{} : att::bytes{att::write_response};
  }
  std::pair<uint16_t, att::bytes> prepared_;
};

/// A radio with one peripheral in reach, at the other end of a socket pair.
class fake_radio final : public drivers::bluetooth::radio {
public:
  /// What the test and the driver share.
  struct shared {
    std::mutex mutex;
    gatt_server server;
    std::atomic<bool> reachable{true}, bluetooth{true}, silent{false};
    std::atomic<int> locked{0};  ///< so often another program has the connection
    std::atomic<int> opened{0}, security{1}, dbm{-61};
    std::function<att::bytes(att::view)> instead{};  ///< of the server's answer
    std::vector<int> lines;                          ///< the peripheral's ends
    int open_now = 0;
    device::bluetooth_address_type type = device::bluetooth_address_type::public_address;

    ~shared() { drop(); }
    void drop() {
      std::lock_guard lock{mutex};
      for (auto fd : lines) ::shutdown(fd, SHUT_RDWR);
    }
    /// Says something without being asked.
    void say(const att::bytes& pdu) {
      std::lock_guard lock{mutex};
      if (!lines.empty()) ::send(lines.back(), pdu.data(), pdu.size(), MSG_NOSIGNAL);
    }
    void tell(uint16_t handle, const std::string& value, uint8_t op = att::notification) {
      {
        std::lock_guard lock{mutex};
        server.at(handle).value.assign(value.begin(), value.end());
      }
      say(att::pdu(op, {handle}, {reinterpret_cast<const uint8_t*>(value.data()), value.size()}));
    }
  };

  explicit fake_radio(std::shared_ptr<shared> s) : s_(std::move(s)) {}
  ~fake_radio() override {
    s_->drop();
    for (auto& t : threads_) t.join();
  }

  caf::expected<int> open(const device::bluetooth_address&, device::bluetooth_address_type type) override {
    if (!s_->bluetooth) return make_error(errc::unavailable, "this machine has no Bluetooth");
    if (s_->locked > 0) {
      --s_->locked;
      return make_error(errc::locked, "another program had the connection");
    }
    if (!s_->reachable || type != s_->type) {
      // One that never becomes writable: its buffer is full.
      int pair[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return make_error(errc::unavailable, "");
      char zeros[65'536] = {};
      while (::send(pair[0], zeros, sizeof zeros, MSG_NOSIGNAL) > 0) {
      }
      stuck_.push_back(pair[1]);
      return pair[0];
    }
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) return make_error(errc::unavailable, "no pair");
    ++s_->opened;
    std::lock_guard lock{s_->mutex};
    s_->server.mtu = 23;
    s_->lines = {pair[1]};
    threads_.emplace_back([s = s_, fd = pair[1]] { serve(*s, fd); });
    return pair[0];
  }
  bool raise_security(int) override {
    if (s_->security >= 3) return false;
    ++s_->security;
    std::lock_guard lock{s_->mutex};
    for (auto& a : s_->server.attributes)
      if (a.refuses == att::insufficient_encryption && s_->security == 2) a.refuses = 0;
    return true;
  }
  caf::expected<int> rssi(int, const device::bluetooth_address&) override { return s_->dbm.load(); }
  caf::expected<std::vector<drivers::bluetooth::advertisement>> scan(const std::string&,
                                                                     std::chrono::milliseconds) override {
    return make_error(errc::unavailable, "not here");
  }

private:
  static void serve(shared& s, int fd) {
    uint8_t pdu[600];
    for (;;) {
      auto n = ::recv(fd, pdu, sizeof pdu, 0);
      if (n <= 0) break;
      std::lock_guard lock{s.mutex};
      att::view in{pdu, static_cast<size_t>(n)};
      auto out = s.instead ? s.instead(in) : s.server.answer(in);
      if (!s.silent && !out.empty()) ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    }
    std::lock_guard lock{s.mutex};
    std::erase(s.lines, fd);
    ::close(fd);
  }
  std::shared_ptr<shared> s_;
  std::vector<std::thread> threads_;
  std::vector<int> stuck_;
};

}  // namespace skerry::test
