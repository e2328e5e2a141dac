#include "drivers/device/bluetooth/peripheral.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "schema/error.hpp"

namespace skerry::drivers::bluetooth {
namespace {

using device::bluetooth_address_type;
using ports::quality;

constexpr int pdus_at_once = 32;  ///< then the others have their turn
constexpr int64_t raise_pause_ms = 300'000;
constexpr auto late = "no answer in time";

}  // namespace

void refuse(job& j, caf::error why) {
  if (!j.read) return j.written(std::move(why));
  std::vector<ports::point_reading> out;
  for (auto p : j.points) out.push_back({p, quality::bad, message_of(why), {}});
  j.read(std::move(out));
}

peripheral::peripheral(std::shared_ptr<const peripheral_spec> spec, radio& air, const patience& p,
                       int64_t not_before_ms)
    : spec_(std::move(spec)), air_(air), patience_(p), slots_(spec_->wants.size()), next_try_ms_(not_before_ms) {
  // The two highest bits of a static random address are set (Bluetooth Core 5.4, Vol 6 Part B, 1.3.2.1).
  guess_random_ = spec_->address.mac[0] >= 'C';
}

peripheral::~peripheral() {
  if (fd_ >= 0) ::close(fd_);
}

bluetooth_address_type peripheral::address_type() const {
  if (spec_->address.type != bluetooth_address_type::any) return spec_->address.type;
  return guess_random_ ? bluetooth_address_type::random_address : bluetooth_address_type::public_address;
}

// -- the connection ---------------------------------------------------------------------------------------------------

void peripheral::connect(int64_t now_ms) {
  auto fd = air_.open(spec_->address, address_type());
  if (!fd) {
    if (code_of(fd.error()) == errc::locked) quiet_until_ms_ = now_ms + patience_.after_close_ms;
    return lost(message_of(fd.error()), false, now_ms);
  }
  fd_ = *fd;
  connecting_ = true;
  connect_until_ms_ = now_ms + patience_.connect_ms;
}

void peripheral::shut(bool by_us, int64_t now_ms) {
  if (fd_ >= 0) {
    ::close(fd_);
    if (by_us) quiet_until_ms_ = now_ms + patience_.after_close_ms;
  }
  fd_ = -1;
  connecting_ = false;
  client_.reset();
}

void peripheral::lost(const std::string& why, bool by_us, int64_t now_ms) {
  auto unpaired = client_ && client_->raising();
  if (unpaired) no_raise_until_ms_ = now_ms + raise_pause_ms;
  shut(by_us, now_ms);
  why_ = why + (unpaired ? "; the device wants to be paired: do it on the node, with bluetoothctl" : "");
  pause_ms_ = std::min(std::max(pause_ms_ * 2, patience_.pause_ms_min), patience_.pause_ms_max);
  next_try_ms_ = std::max(now_ms + pause_ms_, quiet_until_ms_);
  for (auto& s : slots_) s.fresh = false;
  tell(false, why_);
  fail_all(why_);
}

void peripheral::close(int64_t now_ms) {
  told_once_ = true, told_ = {};  // health is told no more
  shut(true, now_ms);
  for (auto& r : reads_) refuse(r.what, make_error(errc::cancelled, "the device is closed"));
  for (auto& w : writes_) refuse(w.what, make_error(errc::cancelled, "the device is closed"));
  reads_.clear();
  writes_.clear();
}

void peripheral::tell(bool online, const std::string& why) {
  ports::device_health now{online, online ? std::string{} : why};
  if (spec_->closed || (told_once_ && told_ == now)) return;
  told_once_ = true;
  told_ = now;
  if (spec_->listener.on_health) spec_->listener.on_health(std::move(now));
}

short peripheral::events() const {
  auto out = connecting_ || (client_ && client_->wants_to_send());
  return static_cast<short>((connecting_ ? 0 : POLLIN) | (out ? POLLOUT : 0));
}

void peripheral::on_socket(short revents, int64_t now_ms) {
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && (revents & POLLOUT) == 0) error = ECONNREFUSED;
    if (error != 0) return lost(std::string{"cannot connect: "} + ::strerror(error), true, now_ms);
    connecting_ = false;
    auto may = now_ms >= no_raise_until_ms_;
    auto raise = [this, may] { return may && air_.raise_security(fd_); };
    client_ = std::make_unique<gatt_client>(spec_->wants, spec_->address.timeout_ms, raise);
    type_known_ = true;
  }
  if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive(now_ms);
  if (fd_ >= 0 && (revents & POLLOUT) != 0) pump(now_ms);
  take_events(now_ms);
}

void peripheral::receive(int64_t now_ms) {
  uint8_t pdu[att::mtu_wanted];
  for (int i = 0; i < pdus_at_once && client_; ++i) {
    auto n = ::recv(fd_, pdu, sizeof pdu, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      auto why = std::string{"the connection was lost"} + (n < 0 ? std::string{": "} + ::strerror(errno) : "");
      return lost(why, false, now_ms);
    }
    // One that is longer than was agreed on is cut off, and so makes no sense.
    auto whole = static_cast<size_t>(n) <= sizeof pdu;
    client_->on_pdu(whole ? att::view{pdu, static_cast<size_t>(n)} : att::view{}, now_ms);
    take_events(now_ms);
  }
}

void peripheral::pump(int64_t now_ms) {
  while (client_ && client_->wants_to_send()) {
    auto pdu = client_->to_send(now_ms);
    if (!pdu) break;
    auto n = ::send(fd_, pdu->data(), pdu->size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return lost(std::string{"the connection was lost: "} + ::strerror(errno), false, now_ms);
    // One at a time: whether the next one fits is asked again.
    break;
  }
}

void peripheral::tick(int64_t now_ms) {
  if (fd_ < 0 && now_ms >= next_try_ms_) connect(now_ms);
  if (connecting_ && now_ms >= connect_until_ms_) {
    auto both = spec_->address.type == bluetooth_address_type::any && !type_known_;
    auto type = address_type() == bluetooth_address_type::random_address ? "random" : "public";
    if (both) guess_random_ = !guess_random_;
    lost("no connection within " + std::to_string(patience_.connect_ms / 1000) + " s by its " + type +
             " address: is it on, near, and not connected to another?",
         true, now_ms);
  }
  if (client_) client_->tick(now_ms);
  take_events(now_ms);
  for (auto r = reads_.begin(); r != reads_.end();) {
    if (now_ms < r->what.deadline_ms) {
      ++r;
      continue;
    }
    for (auto s : r->waits) slots_[s].why = up() ? late : why_.empty() ? "not connected yet" : why_;
    auto late_one = std::move(*r);
    r = reads_.erase(r);
    answer(late_one, now_ms);
  }
  for (auto w = writes_.begin(); w != writes_.end();) {
    if (now_ms < w->what.deadline_ms) {
      ++w;
      continue;
    }
    refuse(w->what, make_error(errc::timed_out, up() ? late : why_.empty() ? "not connected yet" : why_));
    w = writes_.erase(w);
  }
}

int64_t peripheral::due_ms() const {
  auto due = fd_ < 0 ? next_try_ms_ : connecting_ ? connect_until_ms_ : client_ ? client_->due_ms() : INT64_MAX;
  for (const auto& r : reads_) due = std::min(due, r.what.deadline_ms);
  for (const auto& w : writes_) due = std::min(due, w.what.deadline_ms);
  return due;
}

// -- reading and writing ----------------------------------------------------------------------------------------------

void peripheral::add(job j, int64_t now_ms) {
  if (fd_ < 0 && !why_.empty()) return refuse(j, make_error(errc::unavailable, why_));
  if (reads_.size() + writes_.size() >= jobs_max)
    return refuse(j, make_error(errc::too_many, "too much waits for the device"));
  if (j.read) {
    news_told_ = false;
    reads_.push_back({std::move(j), {}});
    if (up()) begin(reads_.back());
  } else {
    const auto& p = spec_->points[j.points.front()];
    if (!p.refused.empty()) return refuse(j, make_error(errc::invalid, p.refused));
    if (p.rssi) return refuse(j, make_error(errc::invalid, "the signal's strength cannot be written"));
    writes_.push_back({std::move(j), ++ids_});
    if (up()) begin(writes_.back());
  }
  take_events(now_ms);
  // A read of what is known already, or that nothing can be asked for.
  for (auto r = reads_.begin(); r != reads_.end();) {
    if (!up() || !r->waits.empty()) {
      ++r;
      continue;
    }
    auto whole = std::move(*r);
    r = reads_.erase(r);
    answer(whole, now_ms);
  }
}

void peripheral::begin(pending_read& r) {
  for (auto i : r.what.points) {
    const auto& p = spec_->points[i];
    if (!p.refused.empty() || p.rssi || slots_[p.slot].fresh) continue;
    if (std::find(r.waits.begin(), r.waits.end(), p.slot) != r.waits.end()) continue;
    r.waits.push_back(p.slot);
    client_->read(p.slot);
  }
}

void peripheral::begin(pending_write& w) {
  const auto& text = w.what.value.text;
  client_->write(spec_->points[w.what.points.front()].slot, w.id, {text.begin(), text.end()});
}

ports::point_reading peripheral::reading_of(uint32_t i, int64_t now_ms) {
  const auto& p = spec_->points[i];
  ports::point_reading out{i, quality::bad, p.refused, {}};
  if (!out.why.empty()) return out;
  if (p.rssi) {
    auto dbm = fd_ >= 0 && up() ? air_.rssi(fd_, spec_->address) : make_error(errc::unavailable, why_);
    if (!dbm) {
      out.why = message_of(dbm.error());
      return out;
    }
    out.value.text = std::to_string(*dbm);
    out.state = quality::good;
    return out;
  }
  const auto& s = slots_[p.slot];
  out.why = s.why.empty() && !s.known ? "not read yet" : s.why;
  if (!out.why.empty()) return out;
  out.state = quality::good;
  out.value.text.assign(s.value.begin(), s.value.end());
  out.age_ms = now_ms - s.at_ms;
  out.said = s.said;
  return out;
}

void peripheral::answer(pending_read& r, int64_t now_ms) {
  std::vector<ports::point_reading> out;
  for (auto i : r.what.points) out.push_back(reading_of(i, now_ms));
  r.what.read(std::move(out));
}

/// A slot has been read, or not: who waited for it is answered when nothing else is missing.
void peripheral::settle(uint32_t slot, int64_t now_ms) {
  std::vector<pending_read> whole;
  for (auto r = reads_.begin(); r != reads_.end();) {
    auto waited = std::erase(r->waits, slot) > 0;
    if (!waited || !r->waits.empty()) {
      ++r;
      continue;
    }
    whole.push_back(std::move(*r));
    r = reads_.erase(r);
  }
  for (auto& r : whole) answer(r, now_ms);
}

void peripheral::fail_all(const std::string& why) {
  auto reads = std::exchange(reads_, {});
  auto writes = std::exchange(writes_, {});
  for (auto& r : reads) refuse(r.what, make_error(errc::unavailable, why));
  for (auto& w : writes) refuse(w.what, make_error(errc::unavailable, why));
}

// -- what the client found out ----------------------------------------------------------------------------------------

void peripheral::on_ready(int64_t now_ms) {
  pause_ms_ = 0;
  why_.clear();
  tell(true, {});
  for (auto& r : reads_) begin(r);
  for (auto& w : writes_) begin(w);
  std::vector<pending_read> whole;
  for (auto r = reads_.begin(); r != reads_.end();)
    if (r->waits.empty()) {
      whole.push_back(std::move(*r));
      r = reads_.erase(r);
    } else {
      ++r;
    }
  for (auto& r : whole) answer(r, now_ms);
}

void peripheral::on_value(gatt_event& e, int64_t now_ms) {
  auto& s = slots_[e.characteristic];
  auto by_itself = e.what == gatt_event::kind::value;
  if (!e.why.empty()) {
    s.why = e.why;
    return settle(e.characteristic, now_ms);
  }
  // A long value is told in part: it is read, if it can be.
  auto part = by_itself && !e.whole && client_->readable(e.characteristic);
  if (!part) {
    s.known = true;
    s.why.clear();
    s.value = std::move(e.value);
    s.at_ms = now_ms;
    ++s.said;
  }
  s.fresh = !part && client_->subscribed(e.characteristic);
  if (!by_itself) return settle(e.characteristic, now_ms);
  if (news_told_ || spec_->closed || !spec_->listener.on_news) return;
  news_told_ = true;
  spec_->listener.on_news();
}

void peripheral::take_events(int64_t now_ms) {
  while (client_) {
    if (client_->broken()) return lost(std::string{client_->broken_why()}, true, now_ms);
    auto events = client_->take_events();
    if (events.empty()) return;
    for (auto& e : events) {
      if (!client_) return;
      if (e.what == gatt_event::kind::ready) {
        on_ready(now_ms);
        continue;
      }
      if (e.what != gatt_event::kind::written) {
        on_value(e, now_ms);
        continue;
      }
      auto at = std::find_if(writes_.begin(), writes_.end(), [&e](const auto& w) { return w.id == e.id; });
      if (e.why.empty()) slots_[e.characteristic].fresh = false;  // not all devices tell of what we have written
      if (at == writes_.end()) continue;
      auto w = std::move(*at);
      writes_.erase(at);
      if (e.why.empty())
        w.what.written({});
      else
        w.what.written(make_error(e.transient ? errc::unavailable : errc::invalid, std::move(e.why)));
    }
  }
}

}  // namespace skerry::drivers::bluetooth
