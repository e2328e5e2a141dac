#include "actors/telemetry/journal.hpp"

#include "schema/error.hpp"

namespace skerry::telemetry {
namespace {

constexpr std::string_view state_key = "samples/journal";
constexpr std::string_view frames = "samples/f/", frames_end = "samples/f0";  // '0' follows '/'
constexpr std::string_view piece_first = "samples/p/", piece_end = "samples/p0";

std::string frame_key(uint64_t n) { return std::string{frames} + key_number(n); }
std::string piece_key(uint64_t n) { return std::string{piece_first} + key_number(n); }

template <class T>
ports::kv_value value_of(const letter<T>& what) {
  return std::string{view_of(what.bytes())};
}

caf::expected<letter<schema::SampleFrame>> frame_of(std::string_view bytes) {
  return letter<schema::SampleFrame>::from_bytes(std::as_bytes(std::span{bytes.data(), bytes.size()}));
}

}  // namespace

std::string key_number(uint64_t n) {
  std::string out(8, '\0');
  for (size_t i = 8; i-- > 0; n >>= 8) out[i] = static_cast<char>(n);
  return out;
}
uint64_t number_of_key(std::string_view eight_bytes) {
  uint64_t n = 0;
  for (auto c : eight_bytes) n = n << 8 | static_cast<uint8_t>(c);
  return n;
}

caf::error journal::load(const std::string& fresh) {
  auto text = kv_.get(state_key);
  if (!text) return text.error();
  name_ = fresh;
  if (*text) {
    auto state = letter<schema::SampleJournal>::from_bytes(std::as_bytes(std::span{(*text)->data(), (*text)->size()}));
    if (!state) return state.error();
    name_ = view_of((**state).getJournal());
    next_ = (**state).getNext() + start_gap;
    bytes_ = (**state).getBytes();
    lost_ = (**state).getLost();
  }
  auto scanned = kv_.scan(piece_first, piece_end, [&](std::string_view key, std::string_view value) {
    pieces_.push_back(number_of_key(key.substr(piece_first.size())));
    piece_bytes_ += value.size();
    return true;
  });
  if (!scanned) return scanned.error();
  if (!pieces_.empty()) next_piece_ = pieces_.back() + 1;
  ports::kv_batch batch;
  put_state(batch);
  if (auto ok = kv_.write(batch, true); !ok) return ok.error();
  return {};
}

void journal::put_state(ports::kv_batch& batch) const {
  batch.put(std::string{state_key},
            value_of(letter<schema::SampleJournal>::build([&](schema::SampleJournal::Builder b) {
              b.setJournal(name_);
              b.setNext(next_);
              b.setBytes(bytes_);
              b.setLost(lost_);
            })));
}

caf::error journal::add(frame_builder& what) {
  if (what.samples() == 0) return {};
  auto frame = what.take();
  ports::kv_batch batch;
  batch.put(piece_key(next_piece_), value_of(frame));
  if (auto ok = kv_.write(batch, false); !ok) return ok.error();
  pieces_.push_back(next_piece_++);
  piece_bytes_ += frame.bytes().size();
  return {};
}

caf::error journal::fold() {
  if (pieces_.empty()) return {};
  ports::kv_batch batch;
  frame_builder all;
  for (auto n : pieces_) {
    auto text = kv_.get(piece_key(n));
    if (!text) return text.error();
    batch.remove(piece_key(n));
    if (!*text) continue;
    auto piece = frame_of(**text);
    if (!piece || all.add(*piece)) ++lost_;  // it does not read: the disk has changed it
  }
  if (all.samples() > 0) {
    auto frame = all.take();
    bytes_ += frame.bytes().size();
    batch.put(frame_key(next_++), value_of(frame));
  }
  if (auto e = drop_oldest(batch)) return e;
  put_state(batch);
  if (auto ok = kv_.write(batch, false); !ok) return ok.error();
  pieces_.clear();
  piece_bytes_ = 0;
  return {};
}

caf::error journal::drop_oldest(ports::kv_batch& batch) {
  if (bytes_ <= bytes_max_) return {};
  auto target = bytes_max_ - bytes_max_ / 16;  // some at once
  auto scanned = kv_.scan(frames, frames_end, [&](std::string_view key, std::string_view value) {
    lose(key, value, batch);
    return bytes_ > target;
  });
  return scanned ? caf::error{} : scanned.error();
}

void journal::lose(std::string_view key, std::string_view value, ports::kv_batch& batch) {
  auto frame = frame_of(value);
  auto samples = frame ? check_frame(*frame) : caf::expected<size_t>{frame.error()};
  lost_ += samples ? *samples : 1;
  bytes_ -= std::min<uint64_t>(bytes_, value.size());
  batch.remove(std::string{key});
}

caf::error journal::drop(uint64_t sequence) {
  auto key = frame_key(sequence);
  auto text = kv_.get(key);
  if (!text) return text.error();
  if (!*text) return {};
  ports::kv_batch batch;
  lose(key, **text, batch);
  put_state(batch);
  auto ok = kv_.write(batch, false);
  return ok ? caf::error{} : ok.error();
}

caf::expected<std::optional<journal::entry>> journal::next_after(uint64_t after) const {
  std::optional<entry> out;
  auto scanned = kv_.scan(frame_key(after + 1), frames_end, [&](std::string_view key, std::string_view value) {
    out = entry{number_of_key(key.substr(frames.size())), std::string{value}};
    return false;
  });
  if (!scanned) return scanned.error();
  return out;
}

caf::error journal::acknowledge(uint64_t sequence) {
  ports::kv_batch batch;
  auto bytes = bytes_;
  auto scanned = kv_.scan(frames, frame_key(sequence + 1), [&](std::string_view key, std::string_view value) {
    bytes -= std::min<uint64_t>(bytes, value.size());
    batch.remove(std::string{key});
    return true;
  });
  if (!scanned) return scanned.error();
  if (batch.changes.empty()) return {};
  std::swap(bytes, bytes_);
  put_state(batch);
  if (auto ok = kv_.write(batch, false); !ok) {
    bytes_ = bytes;
    return ok.error();
  }
  return {};
}

}  // namespace skerry::telemetry
