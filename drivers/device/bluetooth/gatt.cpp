#include "drivers/device/bluetooth/gatt.hpp"

#include <algorithm>

namespace skerry::drivers::bluetooth {
namespace {

constexpr uint8_t may_command = 0x04, may_write = 0x08, may_notify = 0x10, may_indicate = 0x20;
constexpr uint16_t primary_service = 0x2800, declaration = 0x2803;

}  // namespace

gatt_client::gatt_client(std::vector<wanted> wants, uint32_t timeout_ms, raise_security raise)
    : wants_(std::move(wants)), found_(wants_.size()), timeout_ms_(timeout_ms), raise_(std::move(raise)) {}

// -- what goes out ----------------------------------------------------------------------------------------------------

bool gatt_client::may_request() const {
  return outstanding_ == 0 && (again_ || phase_ != phase::ready || !operations_.empty());
}

std::optional<att::bytes> gatt_client::to_send(int64_t now_ms) {
  if (broken()) return {};
  if (!answers_.empty()) {
    auto out = std::move(answers_.front());
    answers_.pop_front();
    return out;
  }
  if (!may_request()) return {};
  if (!again_) {
    auto r = request();
    if (!r) return {};
    if ((*r)[0] == att::write_command) return r;  // nobody answers that
    sent_ = std::move(*r);
  }
  again_ = raising_ = false;
  outstanding_ = sent_[0];
  give_up_ms_ = now_ms + timeout_ms_;
  return sent_;
}

std::optional<att::bytes> gatt_client::request() {
  switch (phase_) {
    case phase::mtu:
      return att::pdu(att::mtu_request, {att::mtu_wanted});
    case phase::services:
      return att::pdu(att::by_group_request, {from_, 0xffff, primary_service});
    case phase::characteristics:
      return att::pdu(att::by_type_request, {from_, 0xffff, declaration});
    case phase::descriptors:
      return att::pdu(att::information_request, {from_, found_[at_].end});
    case phase::subscribing: {
      auto notify = (found_[at_].properties & may_notify) != 0;
      return att::pdu(att::write_request, {found_[at_].configuration, static_cast<uint16_t>(notify ? 1 : 2)});
    }
    case phase::ready:
      return operation_request();
  }
  return {};
}

std::optional<att::bytes> gatt_client::operation_request() {
  auto& o = operations_.front();
  auto handle = found_[o.characteristic].value;
  if (!o.is_write) {
    if (o.value.empty()) return att::pdu(att::read_request, {handle});
    return att::pdu(att::blob_request, {handle, static_cast<uint16_t>(o.value.size())});
  }
  auto room = mtu_ - 3U;
  if ((found_[o.characteristic].properties & may_write) == 0) {
    auto out = att::pdu(att::write_command, {handle}, o.value);
    finish({});
    return out;
  }
  if (o.value.size() <= room) return att::pdu(att::write_request, {handle}, o.value);
  o.long_write = true;
  if (o.executing || o.done == o.value.size()) {
    auto commit = !o.executing;  // else a piece was refused or came back wrong: what is queued there is dropped
    o.executing = true;
    return att::bytes{att::execute_request, static_cast<uint8_t>(commit ? 1 : 0)};
  }
  auto n = std::min<size_t>(mtu_ - 5U, o.value.size() - o.done);
  return att::pdu(att::prepare_request, {handle, static_cast<uint16_t>(o.done)}, att::view{o.value}.subspan(o.done, n));
}

// -- what comes in ----------------------------------------------------------------------------------------------------

void gatt_client::tick(int64_t now_ms) {
  // After a transaction that timed out no other may begin on the bearer (Vol 3 Part F, 3.3.3).
  if (outstanding_ != 0 && now_ms >= give_up_ms_)
    return break_off("the device did not answer within " + std::to_string(timeout_ms_) + " ms");
  if (raising_ && now_ms >= give_up_ms_) break_off("the connection was not encrypted in time");
}

void gatt_client::garbage() {
  if (++garbage_ >= garbage_max) break_off("the device sends what is no Attribute Protocol");
}

void gatt_client::on_pdu(att::view p, int64_t now_ms) {
  if (broken()) return;
  if (p.empty()) return garbage();
  auto op = p[0];
  if (op == att::notification || op == att::indication) {
    if (op == att::indication) answers_.push_back({att::confirmation});
    if (answers_.size() > answers_max) return break_off("the device floods with indications");
    if (p.size() < 3) return garbage();
    garbage_ = 0;
    return on_value(att::word(p, 1), p.subspan(3), p.size() < mtu_);
  }
  if (op == att::notifications) return on_many(p.subspan(1));
  if (auto answer = att::answer_to(p)) {
    answers_.push_back(std::move(*answer));
    if (answers_.size() > answers_max) break_off("the device floods with requests");
    return;
  }
  if (outstanding_ == 0) return garbage();
  if (op == att::error_response) {
    if (p.size() != 5 || p[1] != outstanding_) return garbage();
    garbage_ = 0;
    return on_error(p[4], now_ms);
  }
  if (op != outstanding_ + 1) return garbage();
  garbage_ = 0;
  on_response(p);
}

void gatt_client::on_many(att::view p) {
  while (p.size() >= 4) {
    size_t length = att::word(p, 2);
    if (length > p.size() - 4) return garbage();
    on_value(att::word(p, 0), p.subspan(4, length), true);
    p = p.subspan(4 + length);
  }
  if (!p.empty()) garbage();
}

void gatt_client::on_value(uint16_t handle, att::view value, bool whole) {
  for (uint32_t i = 0; i < found_.size(); ++i)
    if (handle != 0 && found_[i].value == handle && value.size() <= att::value_bytes_max) {
      // Of a flood the newest counts.
      auto same = std::find_if(events_.begin(), events_.end(), [i](const gatt_event& e) {
        return e.what == gatt_event::kind::value && e.characteristic == i;
      });
      if (same != events_.end()) events_.erase(same);
      events_.push_back({gatt_event::kind::value, i, 0, {value.begin(), value.end()}, whole});
    }
}

void gatt_client::on_error(uint8_t code, int64_t now_ms) {
  outstanding_ = 0;
  if (att::wants_security(code) && raise_ && raise_()) {
    again_ = raising_ = true;
    give_up_ms_ = now_ms + raise_ms_max;
    return;
  }
  refused(code);
}

void gatt_client::refused(uint8_t code) {
  auto why = "the device refuses: " + att::text_of(code);
  if (att::wants_security(code)) why += "; pair it on the node, with bluetoothctl";
  auto end_of_list = code == att::not_found;
  switch (phase_) {
    case phase::mtu:  // it stays as it is
      return next_phase();
    case phase::services:
    case phase::characteristics:
      if (!end_of_list) return break_off(why);
      return next_phase();
    case phase::descriptors:
      if (!end_of_list) found_[at_].why = why;
      return next_subscriber(at_ + 1);
    case phase::subscribing:
      found_[at_].why = why;
      phase_ = phase::descriptors;
      return next_subscriber(at_ + 1);
    case phase::ready:
      break;
  }
  auto& o = operations_.front();
  auto at_end = code == att::not_long || code == att::invalid_offset;
  if (!o.is_write && !o.value.empty() && at_end) return finish({});
  if (o.long_write && !o.executing && o.done > 0) {
    o.executing = true;
    o.why = std::move(why);
    return;
  }
  finish(std::move(why), code == 0x09 || code == 0x0e || code == 0x11 || code == 0xfe);
}

void gatt_client::on_response(att::view p) {
  outstanding_ = 0;
  switch (p[0]) {
    case att::mtu_response:
      if (p.size() != 3) return break_off("the device answers garbage");
      mtu_ = std::clamp(att::word(p, 1), att::mtu_min, att::mtu_wanted);
      return next_phase();
    case att::by_group_response:
    case att::by_type_response:
    case att::information_response:
      return on_discovered(p);
    case att::write_response:
      if (phase_ == phase::ready) return finish({});
      found_[at_].subscribed = true;
      phase_ = phase::descriptors;
      return next_subscriber(at_ + 1);
    case att::read_response:
    case att::blob_response:
      return on_read(p.subspan(1));
    case att::prepare_response:
      return on_prepared(p);
    case att::execute_response:
      return finish(std::move(operations_.front().why));
    default:
      return garbage();
  }
}

// -- discovery --------------------------------------------------------------------------------------------------------

void gatt_client::on_discovered(att::view p) {
  auto entries = att::entries_of(p, from_);
  if (entries.empty()) return break_off("the device lists its attributes as garbage");
  if (phase_ == phase::services) take_services(entries);
  if (phase_ == phase::characteristics) take_characteristics(entries);
  if (phase_ == phase::descriptors) return take_descriptors(entries);
  if (broken()) return;
  auto last = entries.back().end;
  if (last == 0xffff) return next_phase();
  from_ = static_cast<uint16_t>(last + 1);
}

void gatt_client::take_services(const std::vector<att::entry>& entries) {
  for (const auto& e : entries) {
    auto uuid = att::uuid_in(e.value);
    if (!uuid) return break_off("the device lists its services as garbage");
    if (services_.size() >= services_max) return break_off("the device has more than 256 services");
    services_.push_back({e.handle, e.end, *uuid});
  }
}

void gatt_client::take_characteristics(const std::vector<att::entry>& entries) {
  for (const auto& e : entries) {
    auto uuid = e.value.size() > 3 ? att::uuid_in(e.value.subspan(3)) : std::nullopt;
    if (!uuid || att::word(e.value, 1) <= e.handle) return break_off("the device lists its characteristics as garbage");
    if (characteristics_.size() >= characteristics_max)
      return break_off("the device has more than 1024 characteristics");
    characteristics_.push_back({e.handle, att::word(e.value, 1), 0xffff, e.value[0], *uuid});
  }
}

const gatt_client::service* gatt_client::service_of(uint16_t handle) const {
  for (const auto& s : services_)
    if (s.start <= handle && handle <= s.end) return &s;
  return nullptr;
}

/// Finds what is wanted in what is there.
void gatt_client::match() {
  for (size_t i = 0; i < characteristics_.size(); ++i) {
    auto& c = characteristics_[i];
    const auto* s = service_of(c.declaration);
    if (s != nullptr) c.end = s->end;
    if (i + 1 < characteristics_.size() && characteristics_[i + 1].declaration - 1 < c.end)
      c.end = static_cast<uint16_t>(characteristics_[i + 1].declaration - 1);
  }
  for (size_t i = 0; i < wants_.size(); ++i) {
    const auto& w = wants_[i];
    found_[i].why = "the device has no characteristic " + device::text_of(w.characteristic) +
                    (w.service ? " in a service " + device::text_of(*w.service) : "");
    for (const auto& c : characteristics_) {
      const auto* s = service_of(c.declaration);
      if (c.uuid != w.characteristic || (w.service && (s == nullptr || s->uuid != *w.service))) continue;
      static_cast<characteristic&>(found_[i]) = c;
      found_[i].why.clear();
      break;
    }
  }
  characteristics_ = {};
  services_ = {};
}

void gatt_client::next_phase() {
  from_ = 1;
  if (phase_ == phase::mtu) {
    phase_ = phase::services;
  } else if (phase_ == phase::services) {
    phase_ = phase::characteristics;
  } else if (phase_ == phase::characteristics) {
    match();
    phase_ = phase::descriptors;
    next_subscriber(0);
  }
}

/// Goes on with the next characteristic that can tell by itself and is wanted to.
void gatt_client::next_subscriber(uint32_t from) {
  for (at_ = from; at_ < found_.size(); ++at_) {
    const auto& f = found_[at_];
    if (!wants_[at_].notify || f.value == 0 || (f.properties & (may_notify | may_indicate)) == 0) continue;
    if (f.value >= f.end) continue;  // no room for a descriptor
    from_ = static_cast<uint16_t>(f.value + 1);
    return;
  }
  phase_ = phase::ready;
  events_.push_back({gatt_event::kind::ready});
}

void gatt_client::take_descriptors(const std::vector<att::entry>& entries) {
  for (const auto& e : entries)
    if (att::uuid_in(e.value) == device::uuid_of_short(0x2902) && e.handle <= found_[at_].end) {
      found_[at_].configuration = e.handle;
      phase_ = phase::subscribing;
      return;
    }
  if (entries.back().handle >= found_[at_].end) return next_subscriber(at_ + 1);
  from_ = static_cast<uint16_t>(entries.back().handle + 1);
}

// -- reading and writing ----------------------------------------------------------------------------------------------

void gatt_client::read(uint32_t c) {
  auto waits = [c](const operation& o) { return !o.is_write && o.characteristic == c; };
  if (std::any_of(operations_.begin(), operations_.end(), waits)) return;
  gatt_event e{gatt_event::kind::read, c};
  if (found_[c].value == 0)
    e.why = found_[c].why;
  else if (!readable(c))
    e.why = "it cannot be read" + (found_[c].why.empty() ? "" : ", and does not tell by itself: " + found_[c].why);
  if (!e.why.empty()) return events_.push_back(std::move(e));
  operations_.push_back({c, 0, false, {}});
}

void gatt_client::write(uint32_t c, uint32_t id, att::bytes value) {
  gatt_event e{gatt_event::kind::written, c, id};
  if (found_[c].value == 0)
    e.why = found_[c].why;
  else if ((found_[c].properties & (may_write | may_command)) == 0)
    e.why = "the characteristic cannot be written";
  else if ((found_[c].properties & may_write) == 0 && value.size() > mtu_ - 3U)
    e.why = "the value is too long: the characteristic takes at most " + std::to_string(mtu_ - 3) + " bytes";
  else if (operations_.size() >= operations_max)
    e.why = "too much waits for the device", e.transient = true;
  if (!e.why.empty()) return events_.push_back(std::move(e));
  operations_.push_back({c, id, true, std::move(value)});
}

void gatt_client::on_read(att::view piece) {
  auto& o = operations_.front();
  auto room = std::min(piece.size(), att::value_bytes_max - o.value.size());
  o.value.insert(o.value.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(room));
  // A piece that fills its PDU may not be the last.
  if (piece.size() + 1 < mtu_ || o.value.size() >= att::value_bytes_max) finish({});
}

void gatt_client::on_prepared(att::view p) {
  auto& o = operations_.front();
  if (std::equal(p.begin() + 1, p.end(), sent_.begin() + 1, sent_.end()))
    o.done += sent_.size() - 5;
  else
    o.executing = true, o.why = "the device repeats another value than was sent";
}

void gatt_client::finish(std::string why, bool transient) {
  auto o = std::move(operations_.front());
  operations_.pop_front();
  gatt_event e{o.is_write ? gatt_event::kind::written : gatt_event::kind::read, o.characteristic, o.id};
  if (!o.is_write && why.empty()) e.value = std::move(o.value);
  e.why = std::move(why);
  e.transient = transient;
  events_.push_back(std::move(e));
}

}  // namespace skerry::drivers::bluetooth
