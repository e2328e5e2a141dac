#include "actors/link/facts_out.hpp"

#include <algorithm>
#include <cstdio>

namespace skerry::link {

std::string facts_out::key_of(uint64_t sequence) const {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(sequence));
  return prefix_ + text;
}

void facts_out::enqueue(stream& s) {
  if (s.queued || !may_send(s)) return;
  s.queued = true;
  ready_.push_back(&s);
}

void facts_out::add(const std::string& path, fact f) {
  auto& s = streams_[path];
  if (s.path.empty()) s.path = path;
  ++count_;
  bytes_ += f.bytes;
  s.facts.push_back(std::move(f));
  enqueue(s);
}

void facts_out::synced(uint64_t sequence) {
  if (sequence <= synced_) return;
  synced_ = sequence;
  for (auto& [path, s] : streams_) enqueue(s);
}

facts_out::fact* facts_out::next(stream*& from) {
  while (!ready_.empty()) {
    from = ready_.front();
    if (may_send(*from)) return &from->facts[from->sent];
    from->queued = false;
    ready_.pop_front();
  }
  return nullptr;
}

void facts_out::sent(stream& from) {
  ++from.sent;
  ++in_flight_;
}

void facts_out::acknowledge(std::string_view path, uint64_t sequence, std::vector<fact>& done) {
  auto i = streams_.find(path);
  if (i == streams_.end()) return;
  auto& s = i->second;
  while (!s.facts.empty() && s.facts.front().sequence <= sequence) {
    auto& f = s.facts.front();
    --count_;
    bytes_ -= f.bytes;
    if (f.what) held_bytes_ -= std::min<size_t>(held_bytes_, f.bytes);
    if (s.sent > 0) --s.sent, --in_flight_;
    done.push_back(std::move(f));
    s.facts.pop_front();
  }
  if (!s.facts.empty()) return enqueue(s);
  if (s.queued) std::erase(ready_, &s);
  streams_.erase(i);
}

void facts_out::take_all(std::vector<fact>& out) {
  for (auto& [path, s] : streams_)
    for (auto& f : s.facts) out.push_back(std::move(f));
  streams_.clear();
  ready_.clear();
  count_ = bytes_ = in_flight_ = held_bytes_ = 0;
}

void facts_out::rewind() {
  in_flight_ = 0;
  for (auto& [path, s] : streams_) {
    s.sent = 0;
    enqueue(s);
  }
}

int64_t facts_out::since_ms() const {
  int64_t oldest = 0;
  for (const auto& [path, s] : streams_)
    if (auto t = s.facts.front().since_ms; oldest == 0 || t < oldest) oldest = t;
  return oldest;
}

}  // namespace skerry::link
