#include "actors/link/outbox.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "actors/link/fact.hpp"

namespace skerry::link {
namespace {
std::string pod_key(const pod_ref& p) { return "p/" + p.uid; }
std::string device_key(const pod_ref& d) { return "d/" + d.uid; }

template <class B>
void fill_ref(B b, const pod_ref& p) {
  b.setNamespace(p.ns);
  b.setName(p.name);
  b.setUid(p.uid);
}

std::span<const std::byte> bytes_of(std::string_view s) {
  return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}
}  // namespace

std::string outbox::key_of(uint64_t sequence) const {
  char text[20];
  std::snprintf(text, sizeof text, "f%016llx", static_cast<unsigned long long>(sequence));
  return prefix_ + text;
}

caf::error outbox::open(ports::random& chance) {
  auto name = kv_.get(prefix_ + "journal");
  if (!name) return std::move(name.error());
  if (*name) {
    journal_ = std::move(**name);
  } else {
    journal_ = ports::make_uuid(chance);
    ports::kv_batch b;
    b.put(prefix_ + "journal", journal_);
    if (auto w = kv_.write(b, true); !w) return std::move(w.error());
  }
  auto next = kv_.get(prefix_ + "next");
  if (!next) return std::move(next.error());
  if (*next) std::from_chars((*next)->data(), (*next)->data() + (*next)->size(), next_);
  ports::kv_batch broken;
  auto scanned = kv_.scan(prefix_ + "f", prefix_ + "g", [&](std::string_view key, std::string_view value) {
    auto fact = letter<schema::Fact>::from_bytes(bytes_of(value));
    auto parsed = fact ? read_fact(**fact) : caf::expected<fact_data>{std::move(fact.error())};
    if (!parsed || key_of(parsed->sequence) != key) {
      broken.remove(std::string{key});
      ++corrupt_dropped_;
      return true;
    }
    entry e;
    e.bytes = static_cast<uint32_t>(value.size());
    if (parsed->what == fact_kind::pod_status || parsed->what == fact_kind::pod_gone) e.key = pod_key(parsed->pod);
    if (parsed->what == fact_kind::node_status) e.key = "n";
    if (parsed->what == fact_kind::device_status) e.key = device_key(parsed->pod);
    e.final = parsed->what == fact_kind::pod_gone;
    insert(parsed->sequence, std::move(e));
    next_ = std::max(next_, parsed->sequence + 1);
    return true;
  });
  if (!scanned) return std::move(scanned.error());
  if (broken.changes.empty()) return {};
  auto w = kv_.write(broken, false);
  return w ? caf::error{} : std::move(w.error());
}

bool outbox::is_final(const std::string& key) const {
  for (auto i = staged_.rbegin(); i != staged_.rend(); ++i)
    if (i->what.key == key) return i->what.final;
  auto i = by_key_.find(key);
  return i != by_key_.end() && index_.at(i->second).final;
}

template <class F>
caf::error outbox::stage_with(std::string key, bool final, size_t size, F&& fill) {
  if (size > limits::fact_bytes_max)
    return make_error(errc::too_large, "a fact of " + std::to_string(size) + " bytes for the cloud; at most " +
                                           std::to_string(limits::fact_bytes_max) + " are allowed");
  if (!final && !key.empty() && is_final(key)) return {};
  draft d;
  d.what.key = std::move(key);
  d.what.final = final;
  d.sequence = next_ + staged_.size();
  auto l = letter<schema::Fact>::build([&](schema::Fact::Builder b) {
    b.setSequence(d.sequence);
    fill(b);
  });
  d.body.assign(reinterpret_cast<const char*>(l.bytes().data()), l.bytes().size());
  d.what.bytes = static_cast<uint32_t>(d.body.size());
  staged_.push_back(std::move(d));
  return {};
}

caf::error outbox::stage(const report_pod_status& r) {
  return stage_with(pod_key(r.pod), false, r.json.size(), [&](auto b) {
    auto s = b.initPodStatus();
    fill_ref(s.initPod(), r.pod);
    s.setJson(kj::ArrayPtr{reinterpret_cast<const kj::byte*>(r.json.data()), r.json.size()});
  });
}
caf::error outbox::stage(const report_pod_gone& r) {
  return stage_with(pod_key(r.pod), true, 0, [&](auto b) { fill_ref(b.initPodGone(), r.pod); });
}
caf::error outbox::stage(const report_node_status& r) {
  return stage_with("n", false, r.json.size(), [&](auto b) {
    b.setNodeStatus(kj::ArrayPtr{reinterpret_cast<const kj::byte*>(r.json.data()), r.json.size()});
  });
}
caf::error outbox::stage(const report_event& r) {
  return stage_with({}, false, r.json.size(), [&](auto b) {
    b.setEvent(kj::ArrayPtr{reinterpret_cast<const kj::byte*>(r.json.data()), r.json.size()});
  });
}

caf::error outbox::stage(const report_device_status& r) {
  return stage_with(device_key(r.device), false, r.json.size(), [&](auto b) {
    auto s = b.initDeviceStatus();
    fill_ref(s.initDevice(), r.device);
    s.setJson(kj::ArrayPtr{reinterpret_cast<const kj::byte*>(r.json.data()), r.json.size()});
  });
}

caf::error outbox::flush(int64_t now_ms) {
  if (staged_.empty()) return {};
  auto staged = std::exchange(staged_, {});
  ports::kv_batch batch;
  std::unordered_map<std::string, size_t> newest;
  for (size_t i = 0; i < staged.size(); ++i)
    if (!staged[i].what.key.empty()) newest[staged[i].what.key] = i;
  for (size_t i = 0; i < staged.size(); ++i) {
    auto& d = staged[i];
    if (!d.what.key.empty() && newest[d.what.key] != i) continue;
    if (auto old = by_key_.find(d.what.key); !d.what.key.empty() && old != by_key_.end())
      batch.remove(key_of(old->second));
    batch.put(key_of(d.sequence), std::move(d.body));
  }
  // Oldest events make room, those of this batch too if it holds more than may wait.
  std::vector<uint64_t> out;
  auto fresh =
      static_cast<size_t>(std::count_if(staged.begin(), staged.end(), [](auto& d) { return d.what.key.empty(); }));
  auto over =
      events_.size() + fresh > limits::events_waiting_max ? events_.size() + fresh - limits::events_waiting_max : 0;
  for (auto i = events_.begin(); i != events_.end() && out.size() < over; ++i) out.push_back(*i);
  for (size_t i = 0; i < staged.size() && out.size() < over; ++i)
    if (staged[i].what.key.empty()) out.push_back(staged[i].sequence);
  for (auto s : out) batch.remove(key_of(s));
  batch.put(prefix_ + "next", std::to_string(next_ + staged.size()));
  if (auto w = kv_.write(batch, true); !w) return std::move(w.error());

  next_ += staged.size();
  for (size_t i = 0; i < staged.size(); ++i) {
    auto& d = staged[i];
    if (!d.what.key.empty() && newest[d.what.key] != i) continue;
    d.what.since_ms = now_ms;
    insert(d.sequence, std::move(d.what));
  }
  for (auto s : out)
    if (auto i = index_.find(s); i != index_.end()) erase(i);
  events_dropped_ += out.size();
  return {};
}

void outbox::insert(uint64_t sequence, entry e) {
  if (e.key.empty()) {
    events_.insert(sequence);
  } else {
    if (auto old = by_key_.find(e.key); old != by_key_.end()) index_.erase(old->second);
    by_key_[e.key] = sequence;
  }
  index_[sequence] = std::move(e);
}

void outbox::erase(std::map<uint64_t, entry>::iterator at) {
  if (at->second.key.empty())
    events_.erase(at->first);
  else if (auto k = by_key_.find(at->second.key); k != by_key_.end() && k->second == at->first)
    by_key_.erase(k);
  index_.erase(at);
}

caf::error outbox::acknowledge(uint64_t sequence) {
  ports::kv_batch batch;
  while (!index_.empty() && index_.begin()->first <= sequence) {
    batch.remove(key_of(index_.begin()->first));
    erase(index_.begin());
  }
  if (batch.changes.empty()) return {};
  auto w = kv_.write(batch, false);
  return w ? caf::error{} : std::move(w.error());
}

caf::expected<frame> outbox::frame_after(uint64_t sequence, uint64_t& last) const {
  std::vector<letter<schema::Fact>> facts;
  size_t bytes = 0;
  for (auto i = index_.upper_bound(sequence); i != index_.end(); ++i) {
    if (facts.size() == limits::facts_per_frame_max ||
        (!facts.empty() && bytes + i->second.bytes > limits::chunk_bytes_max))
      break;
    auto value = kv_.get(key_of(i->first));
    if (!value) return std::move(value.error());
    if (!*value) return make_error(errc::corrupt, "journal entry " + key_of(i->first) + " is gone from the disk");
    auto fact = letter<schema::Fact>::from_bytes(bytes_of(**value));
    if (!fact) return std::move(fact.error());
    facts.push_back(std::move(*fact));
    bytes += i->second.bytes;
    last = i->first;
  }
  if (facts.empty()) return frame{};
  return frame::build([&](schema::Frame::Builder b) {
    auto list = b.initFacts().initFacts(static_cast<unsigned>(facts.size()));
    for (unsigned i = 0; i < facts.size(); ++i) list.setWithCaveats(i, *facts[i]);
  });
}

}  // namespace skerry::link
