#include "actors/link/outgoing.hpp"

#include <algorithm>

namespace skerry::link {

// -- fleeting
// -----------------------------------------------------------------------------------------------------------

void fleeting_queue::push(outgoing o) {
  if (o.deadline_ms != 0 && (expiry_ms_ == 0 || o.deadline_ms < expiry_ms_)) expiry_ms_ = o.deadline_ms;
  bytes_ += o.bytes;
  items_.push_back(std::move(o));
}

outgoing fleeting_queue::pop() {
  auto o = std::move(items_.front());
  items_.pop_front();
  bytes_ -= o.bytes;
  return o;
}

void fleeting_queue::make_room(size_t bytes, std::vector<outgoing>& out) {
  while (!items_.empty() &&
         (items_.size() >= limits::fleeting_waiting_max || bytes_ + bytes > limits::fleeting_waiting_bytes_max))
    out.push_back(pop());
}

void fleeting_queue::expire(int64_t now_ms, std::vector<outgoing>& out) {
  if (expiry_ms_ == 0 || expiry_ms_ > now_ms) return;
  expiry_ms_ = 0;
  std::deque<outgoing> kept;
  for (auto& o : items_) {
    if (o.deadline_ms != 0 && o.deadline_ms <= now_ms) {
      bytes_ -= o.bytes;
      out.push_back(std::move(o));
    } else {
      if (o.deadline_ms != 0 && (expiry_ms_ == 0 || o.deadline_ms < expiry_ms_)) expiry_ms_ = o.deadline_ms;
      kept.push_back(std::move(o));
    }
  }
  items_.swap(kept);
}

void fleeting_queue::take_free(std::vector<outgoing>& out, size_t max) {
  std::deque<outgoing> kept;
  for (auto& o : items_) {
    if (o.kind != envelope_kind::letter && out.size() < max) {
      bytes_ -= o.bytes;
      out.push_back(std::move(o));
    } else {
      kept.push_back(std::move(o));
    }
  }
  items_.swap(kept);
}

void fleeting_queue::take_all(std::vector<outgoing>& out) {
  for (auto& o : items_) out.push_back(std::move(o));
  items_.clear();
  bytes_ = 0;
}

// -- latest
// -------------------------------------------------------------------------------------------------------------

bool latest_slots::put(std::string key, outgoing o, std::vector<outgoing>& replaced) {
  auto i = slots_.find(key);
  if (i == slots_.end()) {
    if (slots_.size() >= limits::latest_waiting_max) {
      replaced.push_back(std::move(o));
      return false;
    }
    auto s = std::make_unique<slot>();
    s->key = key;
    s->what = std::move(o);
    order_.push_back(s.get());
    slots_.emplace(std::move(key), std::move(s));
    return true;
  }
  auto& s = *i->second;
  if (s.at == phase::waiting) {
    ++conflated_;
    o.since_ms = s.what.since_ms;
  } else {
    in_flight_.erase(s.what.receipt);
    if (s.at == phase::refused) std::erase(refused_, &s);
    order_.push_back(&s);
    s.at = phase::waiting;
  }
  replaced.push_back(std::exchange(s.what, std::move(o)));
  return true;
}

outgoing& latest_slots::take(uint64_t epoch) {
  auto* s = order_.front();
  order_.pop_front();
  s->at = phase::in_flight;
  s->what.receipt = (epoch & 0x3ffff) << 40 | (next_receipt_++ & 0xff'ffff'ffff);
  in_flight_[s->what.receipt] = s;
  return s->what;
}

size_t latest_slots::next_cost() const { return order_.front()->what.cost(); }

bool latest_slots::settle(uint64_t receipt, std::vector<outgoing>& done) {
  auto i = in_flight_.find(receipt);
  if (i == in_flight_.end()) return false;
  auto* s = i->second;
  in_flight_.erase(i);
  done.push_back(std::move(s->what));
  slots_.erase(s->key);
  return true;
}

void latest_slots::refuse(uint64_t receipt, int64_t again_ms) {
  auto i = in_flight_.find(receipt);
  if (i == in_flight_.end()) return;
  i->second->at = phase::refused;
  i->second->again_ms = again_ms;
  refused_.push_back(i->second);
  in_flight_.erase(i);
}

bool latest_slots::retry(int64_t now_ms) {
  std::erase_if(refused_, [&](slot* s) {
    if (s->again_ms > now_ms) return false;
    s->at = phase::waiting;
    order_.push_back(s);
    return true;
  });
  return !refused_.empty();
}

void latest_slots::rewind() {
  std::vector<slot*> back;
  for (auto& [receipt, s] : in_flight_) back.push_back(s);
  for (auto* s : refused_) back.push_back(s);
  std::sort(back.begin(), back.end(), [](slot* a, slot* b) { return a->what.receipt < b->what.receipt; });
  for (auto* s : back) s->at = phase::waiting;
  order_.insert(order_.begin(), back.begin(), back.end());
  in_flight_.clear();
  refused_.clear();
}

void latest_slots::take_all(std::vector<outgoing>& out) {
  for (auto& [key, s] : slots_) out.push_back(std::move(s->what));
  slots_.clear();
  order_.clear();
  in_flight_.clear();
  refused_.clear();
}

// -- calls
// --------------------------------------------------------------------------------------------------------------

uint64_t call_table::add(call c) {
  if (calls_.size() >= limits::calls_waiting_max) return 0;
  next_ = next_ % id_mask + 1;
  if (c.deadline_ms != 0) ++with_deadline_;
  calls_[next_] = std::move(c);
  return next_;
}

call_table::call call_table::take(uint64_t id) {
  auto i = calls_.find(id);
  if (i == calls_.end()) return {};
  auto c = std::move(i->second);
  if (c.deadline_ms != 0) --with_deadline_;
  calls_.erase(i);
  return c;
}

void call_table::sent(uint64_t id, int64_t deadline_ms) {
  auto i = calls_.find(id);
  if (i == calls_.end()) return;
  with_deadline_ += static_cast<size_t>(deadline_ms != 0) - static_cast<size_t>(i->second.deadline_ms != 0);
  i->second.deadline_ms = deadline_ms;
}

void call_table::suspend(int64_t now_ms) {
  for (auto& [id, c] : calls_)
    if (auto end = now_ms + c.ttl_ms; c.deadline_ms == 0 || c.deadline_ms > end)
      c.deadline_ms = std::max<int64_t>(end, 1);
  with_deadline_ = calls_.size();
}

std::vector<call_table::call> call_table::expire(int64_t now_ms, bool& more) {
  std::vector<call> out;
  if (with_deadline_ > 0)
    for (auto i = calls_.begin(); i != calls_.end();) {
      if (i->second.deadline_ms == 0 || i->second.deadline_ms > now_ms) {
        ++i;
        continue;
      }
      out.push_back(std::move(i->second));
      --with_deadline_;
      i = calls_.erase(i);
    }
  more = with_deadline_ > 0;
  return out;
}

std::vector<call_table::call> call_table::take_all() {
  std::vector<call> out;
  for (auto& [id, c] : calls_) out.push_back(std::move(c));
  calls_.clear();
  with_deadline_ = 0;
  return out;
}

}  // namespace skerry::link
