#include "actors/telemetry/series_store.hpp"

#include <algorithm>
#include <mutex>

#include "actors/telemetry/bytes.hpp"
#include "actors/telemetry/column.hpp"
#include "actors/telemetry/journal.hpp"
#include "schema/error.hpp"

namespace skerry::telemetry {
namespace {

constexpr int64_t day_ms = 24LL * 3'600'000;
constexpr size_t block_samples_max = 16'384;
constexpr size_t removals_max = 20'000;  ///< keys deleted in one write
constexpr std::string_view offsets = "samples/o/", frames = "samples/f/", blocks = "samples/b/", days = "samples/d/",
                           next_key = "samples/n";

uint64_t day_of(int64_t ms) { return static_cast<uint64_t>(std::max<int64_t>(ms, 0) / day_ms); }
std::string block_prefix(uint64_t day) { return std::string{blocks} + key_number(day); }
std::string device_prefix(uint64_t day, std::string_view ns, std::string_view name) {
  return block_prefix(day) + std::string{ns} + '\0' + std::string{name} + '\0';
}
std::string day_key(uint64_t day) { return std::string{days} + key_number(day); }
std::string number_bytes(uint64_t n) {
  std::string out;
  put_number(out, n);
  return out;
}
std::string frames_of(std::string_view node) { return std::string{frames} + std::string{node} + '\0'; }
/// The end of all keys that begin with `prefix`, whose last byte is not 0xff.
std::string after(std::string prefix) {
  ++prefix.back();
  return prefix;
}
template <class T>
caf::expected<letter<T>> read(std::string_view bytes) {
  return letter<T>::from_bytes(std::as_bytes(std::span{bytes.data(), bytes.size()}));
}

struct block_key {
  uint64_t day = 0;
  std::string_view property;
  int64_t first_ms = 0;
};
std::optional<block_key> read_block_key(std::string_view key) {
  if (key.size() < blocks.size() + 8 + 3 + 16) return std::nullopt;
  block_key out;
  out.day = number_of_key(key.substr(blocks.size(), 8));
  auto first = key.size() - 16;
  out.first_ms = static_cast<int64_t>(number_of_key(key.substr(first, 8)));
  auto names = key.substr(blocks.size() + 8, first - 1 - blocks.size() - 8);
  auto at = names.rfind('\0');
  if (at == std::string_view::npos) return std::nullopt;
  out.property = names.substr(at + 1);
  return out;
}

/// The blocks that the samples of one property become.
class block_writer {
public:
  block_writer(ports::kv_batch& batch, std::map<uint64_t, uint64_t>& grown, uint64_t& next, uint64_t last_day)
      : batch_(batch), grown_(grown), next_(next), last_day_(last_day) {}

  /// `key` is "<namespace>\0<name>\0<property>\0".
  void write(const std::string& key, const std::vector<sample>& samples) {
    std::map<uint64_t, std::vector<sample>> by_day;
    for (const auto& s : samples) {
      // A clock that is far ahead does not make a day that is never deleted.
      auto day = std::min(day_of(s.time_ms), last_day_);
      auto& those = by_day[day];
      those.push_back(s);
      if (those.size() >= block_samples_max) put(key, day, std::exchange(those, {}));
    }
    for (auto& [day, those] : by_day)
      if (!those.empty()) put(key, day, those);
  }

private:
  void put(const std::string& key, uint64_t day, const std::vector<sample>& samples) {
    auto [first, last] =
        std::minmax_element(samples.begin(), samples.end(), [](auto& a, auto& b) { return a.time_ms < b.time_ms; });
    auto full = block_prefix(day) + key + key_number(static_cast<uint64_t>(first->time_ms)) + key_number(next_++);
    std::string value;
    put_number(value, static_cast<uint64_t>(last->time_ms - first->time_ms));
    value += pack(samples);
    grown_[day] += full.size() + value.size();
    batch_.put(std::move(full), std::move(value));
  }
  ports::kv_batch& batch_;
  std::map<uint64_t, uint64_t>& grown_;
  uint64_t& next_;
  uint64_t last_day_;
};

}  // namespace

// -- writing ----------------------------------------------------------------------------------------------------------

caf::error series_store::load(int64_t now_ms) {
  std::lock_guard lock{mutex_};
  open_.clear();
  days_.clear();
  pending_ = {};
  next_ = 1;
  if (auto e = load_offsets()) return e;
  auto scanned = kv_.scan(frames, after(std::string{frames}), [&](std::string_view key, std::string_view value) {
    auto frame = read<schema::SampleFrame>(value);
    if (key.size() < frames.size() + 9 || !frame) return true;
    note(std::string{key.substr(frames.size(), key.size() - frames.size() - 9)}, *frame, now_ms);
    next_ = std::max(next_, number_of_key(key.substr(key.size() - 8)) + 1);
    return true;
  });
  if (!scanned) return scanned.error();
  scanned = kv_.scan(days, after(std::string{days}), [&](std::string_view key, std::string_view value) {
    if (auto bytes = byte_reader{value}.number()) days_[number_of_key(key.substr(days.size()))] = *bytes;
    return true;
  });
  if (!scanned) return scanned.error();
  auto text = kv_.get(next_key);
  if (!text) return text.error();
  if (*text) next_ = std::max(next_, byte_reader{**text}.number().value_or(1));
  return {};
}

caf::error series_store::load_offsets() {
  offsets_.clear();
  auto scanned = kv_.scan(offsets, after(std::string{offsets}), [&](std::string_view key, std::string_view value) {
    if (auto o = read<schema::SampleOffset>(value))
      offsets_[std::string{key.substr(offsets.size())}] = {std::string{view_of((**o).getJournal())},
                                                           (**o).getSequence(), (**o).getLost()};
    return true;
  });
  return scanned ? caf::error{} : scanned.error();
}

void series_store::note(const std::string& node, const letter<schema::SampleFrame>& frame, int64_t now_ms) {
  auto& n = open_[node];
  if (n.bytes == 0) n.since_ms = now_ms;
  n.bytes += frame.bytes().size();
  for (auto d : (*frame).getDevices())
    n.devices.insert(std::string{view_of(d.getNamespace())} + "/" + std::string{view_of(d.getName())});
}

uint64_t series_store::kept(const std::string& node, std::string_view journal) const {
  auto i = offsets_.find(node);
  return i == offsets_.end() || i->second.journal != journal ? 0 : i->second.sequence;
}

void series_store::put(const std::string& node, std::string_view journal, uint64_t sequence, uint64_t lost,
                       const letter<schema::SampleFrame>& frame, int64_t now_ms) {
  auto& o = offsets_[node];
  o = {std::string{journal}, sequence, lost};
  pending_.put(std::string{offsets} + node,
               std::string{view_of(letter<schema::SampleOffset>::build([&](schema::SampleOffset::Builder b) {
                                     b.setJournal(o.journal);
                                     b.setSequence(sequence);
                                     b.setLost(lost);
                                   }).bytes())});
  if ((*frame).getDevices().size() == 0) return;
  pending_.put(frames_of(node) + key_number(next_++), std::string{view_of(frame.bytes())});
  std::lock_guard lock{mutex_};
  note(node, frame, now_ms);
}

caf::error series_store::commit() {
  auto batch = std::exchange(pending_, {});
  if (batch.changes.empty()) return {};
  if (auto ok = kv_.write(batch, true); !ok) {
    if (auto e = load_offsets()) return e;
    return ok.error();
  }
  return {};
}

std::vector<std::string> series_store::due(int64_t now_ms) const {
  std::vector<std::string> out;
  for (const auto& [node, n] : open_)
    if (n.bytes >= limits_.open_bytes_max || (n.bytes > 0 && now_ms - n.since_ms >= limits_.open_ms_max))
      out.push_back(node);
  return out;
}

caf::error series_store::seal(const std::string& node, int64_t now_ms) {
  ports::kv_batch batch;
  std::map<std::string, std::vector<sample>> series;
  auto first = frames_of(node);
  auto scanned = kv_.scan(first, after(first), [&](std::string_view key, std::string_view value) {
    batch.remove(std::string{key});
    auto frame = read<schema::SampleFrame>(value);
    if (!frame) return true;
    for (auto d : (**frame).getDevices()) {
      auto device = std::string{view_of(d.getNamespace())} + '\0' + std::string{view_of(d.getName())} + '\0';
      visit_series(view_of(d.getSeries()), [&](std::string_view property, std::string_view column) {
        auto read = unpack(column);
        if (!read) return;
        auto& all = series[device + std::string{property} + '\0'];
        std::move(read->begin(), read->end(), std::back_inserter(all));
      });
    }
    return true;
  });
  if (!scanned) return scanned.error();
  std::map<uint64_t, uint64_t> grown;
  block_writer out{batch, grown, next_, day_of(now_ms) + 1};
  for (auto& [key, samples] : series) out.write(key, samples);
  for (auto& [day, bytes] : grown) {  // this thread alone changes them
    if (auto d = days_.find(day); d != days_.end()) bytes += d->second;
    batch.put(day_key(day), number_bytes(bytes));
  }
  batch.put(std::string{next_key}, number_bytes(next_));
  std::unique_lock no_scan{sealing_};
  if (auto ok = kv_.write(batch, true); !ok) return ok.error();
  std::lock_guard lock{mutex_};
  open_.erase(node);
  for (auto [day, bytes] : grown) days_[day] = bytes;
  return {};
}

caf::expected<bool> series_store::retain(int64_t now_ms) {
  uint64_t total = 0, day = 0;
  {
    std::lock_guard lock{mutex_};
    if (days_.empty()) return false;
    for (auto [d, bytes] : days_) total += bytes;
    day = days_.begin()->first;
  }
  auto old = static_cast<int64_t>(day + 1) * day_ms <= now_ms - limits_.age_ms;
  if (!old && total <= limits_.bytes_max) return false;
  ports::kv_batch batch;
  auto first = block_prefix(day), last = block_prefix(day + 1);
  uint64_t bytes = 0;
  auto scanned = kv_.scan(first, last, [&](std::string_view key, std::string_view value) {
    bytes += key.size() + value.size();
    batch.remove(std::string{key});
    return batch.changes.size() < removals_max;
  });
  if (!scanned) return scanned.error();
  auto whole = batch.changes.size() < removals_max;
  if (whole)
    batch.remove(day_key(day));
  else
    batch.put(day_key(day), number_bytes(days_[day] - std::min(days_[day], bytes)));
  if (auto ok = kv_.write(batch, false); !ok) return ok.error();
  if (whole) kv_.compact(first, last);
  std::lock_guard lock{mutex_};
  if (whole)
    days_.erase(day);
  else
    days_[day] -= std::min(days_[day], bytes);
  return true;
}

bool series_store::knows(const std::string& ns, const std::string& name) const {
  std::lock_guard lock{mutex_};
  for (const auto& [node, n] : open_)
    if (n.devices.contains(ns + "/" + name)) return true;
  bool found = false;
  for (auto d = days_.rbegin(); d != days_.rend() && !found; ++d) {
    auto first = device_prefix(d->first, ns, name);
    kv_.scan(first, after(first), [&](std::string_view, std::string_view) {
      found = true;
      return false;
    });
  }
  return found;
}

uint64_t series_store::block_bytes() const {
  std::lock_guard lock{mutex_};
  uint64_t total = 0;
  for (auto [day, bytes] : days_) total += bytes;
  return total;
}

// -- reading ----------------------------------------------------------------------------------------------------------

caf::error series_store::scan(const range& r, const visitor& visit,
                              const std::function<bool(int64_t)>& day_done) const {
  std::shared_lock no_seal{sealing_};
  std::vector<std::string> nodes;
  std::vector<uint64_t> days;
  {
    std::lock_guard lock{mutex_};
    for (const auto& [node, n] : open_)
      if (n.devices.contains(r.ns + "/" + r.name)) nodes.push_back(node);
    auto last = r.to_ms <= 0 ? 0 : day_of(r.to_ms - 1);
    for (auto d = days_.lower_bound(day_of(r.from_ms)); d != days_.end() && d->first <= last; ++d)
      days.push_back(d->first);
  }
  bool more = true;
  for (const auto& node : nodes)
    if (auto e = more ? scan_open(node, r, visit, more) : caf::error{}) return e;
  for (auto day : days) {
    if (auto e = more ? scan_day(day, r, visit, more) : caf::error{}) return e;
    more = more && day_done(static_cast<int64_t>(day + 1) * day_ms);
  }
  return {};
}

caf::error series_store::scan_day(uint64_t day, const range& r, const visitor& visit, bool& more) const {
  caf::error bad;
  auto first = device_prefix(day, r.ns, r.name);
  if (!r.property.empty()) first += r.property + '\0';
  auto scanned = kv_.scan(first, after(first), [&](std::string_view key, std::string_view value) {
    auto k = read_block_key(key);
    byte_reader in{value};
    auto span = in.number();
    if (!k || !span) return true;
    if (k->first_ms >= r.to_ms || k->first_ms + static_cast<int64_t>(*span) < r.from_ms) return true;
    auto samples = unpack(value.substr(value.size() - in.left()));
    if (!samples) {
      bad = samples.error();
      return false;
    }
    for (auto& s : *samples)
      if (s.time_ms >= r.from_ms && s.time_ms < r.to_ms && !visit(k->property, std::move(s))) return more = false;
    return true;
  });
  return scanned ? bad : scanned.error();
}

caf::error series_store::scan_open(const std::string& node, const range& r, const visitor& visit, bool& more) const {
  auto first = frames_of(node);
  auto scanned = kv_.scan(first, after(first), [&](std::string_view, std::string_view value) {
    auto frame = read<schema::SampleFrame>(value);
    if (!frame) return true;
    for (auto d : (**frame).getDevices()) {
      if (view_of(d.getName()) != r.name || view_of(d.getNamespace()) != r.ns) continue;
      visit_series(view_of(d.getSeries()), [&](std::string_view property, std::string_view column) {
        if (!more || (!r.property.empty() && property != r.property)) return;
        auto samples = unpack(column);
        if (!samples) return;
        for (auto& s : *samples)
          if (more && s.time_ms >= r.from_ms && s.time_ms < r.to_ms) more = visit(property, std::move(s));
      });
    }
    return more;
  });
  return scanned ? caf::error{} : scanned.error();
}

}  // namespace skerry::telemetry
