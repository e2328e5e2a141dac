// Durable letters: written before the send returns, synced in groups, sent in windows, kept until they are
// acknowledged.
#include <chrono>

#include "actors/link/facts_in.hpp"
#include "actors/link/link_end.hpp"
#include "actors/link/mesh_core.hpp"
#include "actors/link/peer.hpp"

namespace skerry::link {
namespace {

std::string entry_bytes(const outgoing& o, std::string_view to, const std::string& from) {
  auto body = o.type->bytes_of(o.what->content());
  capnp::MallocMessageBuilder b{static_cast<unsigned>(body.size() / sizeof(capnp::word) + 96)};
  auto e = b.initRoot<schema::JournalEntry>();
  e.setTo(capnp::Text::Reader{to.data(), to.size()});
  e.setFrom(from);
  e.setType(o.type->id());
  e.setBody({reinterpret_cast<const kj::byte*>(body.data()), body.size()});
  auto flat = capnp::messageToFlatArray(b);
  auto bytes = flat.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

}  // namespace

/// Journals a letter. Blocks for at most mesh_args::block_ms while the journal is full.
void peer::send_fact(outgoing o) {
  auto* kv = core_.args().kv;
  if (kv == nullptr) return bounce(o, errc::unsupported, core_.args().island + " has no disk for durable letters");
  auto* to = proxy_of(o.to);
  auto relayed = o.what->mid.is_request() ? o.what->mid.request_id().integer_value() : 0;
  if (!facts_in::is_receipt(relayed)) relayed = 0;
  std::string path{to->path()}, from = core_.path_of(o.what->sender);
  ports::kv_batch batch;
  std::unique_lock journal{journal_mutex_};
  auto room = wait_for_room(o.bytes, journal);
  if (is_deleted()) {
    journal.unlock();
    return bounce(o, errc::unavailable, island_ + " is deleted");
  }
  if (!room) {
    journal.unlock();
    count_dropped(&drop_counts::overflow);
    core_.add_dead(from, path, o.type->name(), "the journal for " + island_ + " is full");
    return bounce(o, errc::too_many, "the journal for " + island_ + " is full: it has not read for long");
  }
  auto sequence = core_.next_sequence();
  batch.put(facts_.key_of(sequence), entry_bytes(o, path, from));
  if (relayed != 0) core_.facts().stamp(relayed, batch);
  if (auto w = kv->write(batch, false); !w) {
    journal.unlock();
    core_.add_dead(from, path, o.type->name(), message_of(w.error()));
    return bounce(o, code_of(w.error()), "not journaled: " + message_of(w.error()));
  }
  auto answer_to = relayed != 0 ? o.what->sender : nullptr;
  auto mid = o.what->mid;
  caf::mailbox_element_ptr released;
  {
    std::lock_guard lock{mutex_};
    facts_out::fact f{sequence, 0, now(), static_cast<uint32_t>(o.bytes), o.type, nullptr, o.to};
    if (relayed == 0 && mid.is_request()) {
      auto ttl = o.type->delivery().ttl_ms;
      f.call = calls_.add({o.what->sender, mid, ttl, std::max<int64_t>(f.since_ms + ttl, 1), o.to});
    }
    if (facts_.holds_body(o.bytes)) {
      f.what = std::move(o.what);
      facts_.held(static_cast<int64_t>(o.bytes));
    } else {
      released = std::move(o.what);
    }
    facts_.add(path, std::move(f));
    written_ = sequence;
  }
  journal.unlock();
  core_.wake(*this);
  if (answer_to) answer_to->enqueue(o.to, mid.response_id(), caf::make_message(), nullptr);
}

/// With the journal's lock: false if there is no room, and none came in time.
bool peer::wait_for_room(size_t bytes, std::unique_lock<std::mutex>& journal) {
  auto room = [&] {
    std::lock_guard lock{mutex_};
    return deleted_ || !facts_.full(bytes);
  };
  if (room()) return true;
  if (core_.args().block_ms == 0) return false;
  return journal_room_.wait_for(journal, std::chrono::milliseconds(core_.args().block_ms), room);
}

caf::error peer::load_fact(uint64_t sequence, schema::JournalEntry::Reader e) {
  facts_out::fact f;
  f.sequence = sequence;
  f.bytes = static_cast<uint32_t>(e.getBody().size());
  f.since_ms = now();
  f.type = core_.args().words.find(e.getType());
  auto to = e.getTo();
  std::string path{to.begin(), to.size()};
  if (f.type == nullptr || paths::check(path))
    return make_error(errc::unsupported, "a letter to " + path + " of an unknown type");
  std::lock_guard lock{mutex_};
  facts_.add(path, std::move(f));
  written_ = std::max(written_, sequence);
  facts_.synced(sequence);
  return {};
}

/// Reads the body of a letter that is to be sent and is on disk alone. Under the lock.
bool peer::fetch(facts_out::fact& f, const std::string& path) {
  if (!f.to) f.to = core_.proxy_for(path);
  if (f.what) return true;
  auto value = core_.args().kv->get(facts_.key_of(f.sequence));
  if (!value || !*value) {
    core_.log(ports::severity::error, "the journal for " + island_ + " cannot be read: " +
                                          (value ? "an entry is gone" : message_of(value.error())));
    return false;
  }
  auto entry = letter<schema::JournalEntry>::from_bytes(
      {reinterpret_cast<const std::byte*>((*value)->data()), (*value)->size()});
  if (!entry) return false;
  auto body = (**entry).getBody();
  auto from = (**entry).getFrom();
  caf::strong_actor_ptr sender;
  std::string_view from_path{from.begin(), from.size()};
  if (!from_path.empty() && !paths::check(from_path)) sender = core_.proxy_for(from_path);
  auto made = f.type->make_element({reinterpret_cast<const std::byte*>(body.begin()), body.size()}, std::move(sender),
                                   caf::make_message_id(), nullptr);
  if (!made) return false;
  f.what = std::move(*made);
  facts_.held(f.bytes);
  return true;
}

/// Adds durable letters to a frame. Under the lock.
void peer::collect_facts(std::vector<outgoing>& views, size_t& bytes) {
  facts_out::stream* from = nullptr;
  while (facts_.in_flight() < limits::durable_window && views.size() < limits::letters_frame_max &&
         bytes < limits::letters_frame_bytes) {
    auto* f = facts_.next(from);
    if (f == nullptr || !fetch(*f, from->path)) return;
    outgoing o;
    o.type = f->type;
    o.to = f->to;
    o.receipt = f->sequence;
    o.call = f->call;
    o.bytes = f->bytes;
    o.what = std::move(f->what);  // lent: given back after the frame is built
    views.push_back(std::move(o));
    lent_.push_back(f);
    bytes += f->bytes + limits::envelope_bytes;
    facts_.sent(*from);
  }
}

void peer::give_back(std::vector<outgoing>& views) {
  for (size_t i = 0; i < views.size(); ++i) lent_[i]->what = std::move(views[i].what);
  lent_.clear();
}

void peer::facts_synced(uint64_t sequence) {
  graveyard dead;
  std::lock_guard lock{mutex_};
  facts_.synced(sequence);
  flush(dead);
}

uint64_t peer::facts_written() const {
  std::lock_guard lock{mutex_};
  return written_ > facts_.synced() ? written_ : 0;
}

/// The receiver has the effects of a stream up to a sequence on disk. Under the lock; `done` is let go without it.
void peer::acknowledge(std::string_view path, uint64_t sequence, std::vector<facts_out::fact>& done) {
  auto before = done.size();
  facts_.acknowledge(path, sequence, done);
  for (auto i = before; i < done.size(); ++i) erased_.push_back(done[i].sequence);
  if (!erased_.empty()) core_.wake(*this);
}

size_t peer::drop_facts(ports::kv_batch* batch) {
  std::vector<facts_out::fact> done;
  std::lock_guard lock{mutex_};
  facts_.take_all(done);
  if (batch != nullptr) {
    for (auto& f : done) batch->remove(facts_.key_of(f.sequence));
    for (auto s : erased_) batch->remove(facts_.key_of(s));
  }
  erased_.clear();
  journal_room_.notify_all();
  return done.size();
}

bool peer::is_deleted() const {
  std::lock_guard lock{mutex_};
  return deleted_;
}

/// The keys of letters that are acknowledged: to be removed from the disk.
void peer::take_erased(ports::kv_batch& batch) {
  std::lock_guard lock{mutex_};
  for (auto s : erased_) batch.remove(facts_.key_of(s));
  erased_.clear();
  journal_room_.notify_all();
}

}  // namespace skerry::link
