#include "actors/link/facts_in.hpp"

#include <algorithm>
#include <charconv>

#include "actors/link/mesh_core.hpp"

namespace skerry::link {
namespace {
constexpr uint64_t sequence_mask = (1ULL << 40) - 1;
constexpr uint8_t crashes_max = 5;
constexpr int64_t again_ms = 20, same_again_ms = 1'000;
}  // namespace

caf::message_id facts_in::receipt_of(const stream& s, const pending& p) {
  return caf::make_message_id(receipt_bit | durable_bit | uint64_t{s.slot} << 40 | (p.sequence & sequence_mask));
}

/// May this be the last word of an actor that ends by a defect? All else that is answered refuses the letter for good.
bool facts_in::may_be_crash(const caf::error& why) {
  return why != caf::sec::unexpected_message && code_of(why) == errc::internal;
}

/// Had the receiver, before it ended, written the effect of this letter with its receipt?
bool facts_in::had_effect(const stream& s, const pending& p) const {
  if (s.stamped < p.sequence) return false;
  auto known = kv_->get(s.key);
  uint64_t written = 0;
  if (known && *known) std::from_chars((*known)->data(), (*known)->data() + (*known)->size(), written);
  return written >= p.sequence;
}

facts_in::stream* facts_in::find(uint64_t receipt, pending** p) {
  auto slot = static_cast<uint32_t>(receipt >> 40 & 0x3ffff);
  if (slot >= slots_.size() || !slots_[slot]) return nullptr;
  auto& s = *slots_[slot];
  auto low = receipt & sequence_mask;
  auto i = std::lower_bound(s.waiting.begin(), s.waiting.end(), low,
                            [](const pending& x, uint64_t y) { return (x.sequence & sequence_mask) < y; });
  if (i == s.waiting.end() || (i->sequence & sequence_mask) != low) return nullptr;
  *p = &*i;
  return &s;
}

/// The stream of a letter; its offset is read from the disk when it is opened.
facts_in::stream* facts_in::open(const arrival& a, uint32_t& slot) {
  if (slot != 0 && slot < slots_.size() && slots_[slot] && slots_[slot]->over == a.over &&
      slots_[slot]->path == a.path && slots_[slot]->journal == a.journal)
    return slots_[slot].get();
  auto key = "mesh/in" + a.over->island() + "/" + std::string{a.journal} + std::string{a.path};
  if (auto i = by_key_.find(key); i != by_key_.end()) {
    slot = i->second;
    slots_[slot]->over = a.over;
    return slots_[slot].get();
  }
  auto known = kv_->get(key);
  if (!known) {
    core_.log(ports::severity::error, "the offset of a stream cannot be read: " + message_of(known.error()));
    return nullptr;
  }
  if (slots_.size() > limits::streams_max && free_.empty()) evict();
  if (slots_.size() > limits::streams_max && free_.empty()) return nullptr;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  auto s = std::make_unique<stream>();
  s->over = a.over;
  s->key = key;
  s->path = a.path;
  s->journal = a.journal;
  s->slot = slot;
  if (*known) std::from_chars((*known)->data(), (*known)->data() + (*known)->size(), s->committed);
  s->collected = s->done = s->stamped = s->accepted = s->committed;
  by_key_[key] = slot;
  slots_[slot] = std::move(s);
  return slots_[slot].get();
}

/// Forgets streams on which nothing happens; their offsets are on disk.
void facts_in::evict() {
  for (uint32_t i = 1; i < slots_.size(); ++i) {
    auto& s = slots_[i];
    if (!s || !s->waiting.empty() || s->committed != s->done) continue;
    by_key_.erase(s->key);
    s = nullptr;
    free_.push_back(i);
  }
}

void facts_in::arrived(const arrival& a, uint32_t& slot) {
  parcel out;
  caf::strong_actor_ptr fresh;
  {
    std::lock_guard lock{mutex_};
    if (stopped_) return;
    auto* s = open(a, slot);
    if (s == nullptr) return;
    if (a.sequence <= s->accepted) {
      if (a.sequence <= s->committed) settle(*s);  // the acknowledgement was lost
      return;
    }
    if (s->waiting.size() >= 2 * limits::durable_window) return;  // a correct peer does not send that many
    s->accepted = a.sequence;
    pending p{a.sequence, a.call, a.type, {}, a.from, 0, false, false};
    auto made = a.type != nullptr ? a.type->make(a.body)
                                  : make_error(errc::unsupported,
                                               "a message of an unknown type; use the same version "
                                               "of skerry on both sides");
    if (!made) {
      core_.add_dead(core_.path_of(a.from), s->path, a.type != nullptr ? a.type->name() : "?",
                     message_of(made.error()));
      a.over->count_dropped(&drop_counts::dead);
      a.over->fail(a.call, made.error());
      p.done = true;
      s->waiting.push_back(std::move(p));
      return finish(*s);
    }
    p.what = std::move(*made);
    s->waiting.push_back(std::move(p));
    if (s->stalled) return;
    auto to = core_.target(s->path);
    if (!to) {
      s->stalled = true;
      stalled_.insert(s->slot);
      core_.wake();
      return;
    }
    auto& mine = s->waiting.back();
    mine.delivered = true;
    if (receives(*s, *to)) fresh = to;
    out = {std::move(to), mine.from, receipt_of(*s, mine), mine.what};
  }
  out.to->enqueue(std::move(out.from), out.mid, std::move(out.what), nullptr);
  if (fresh) watch(slot, fresh);
}

void facts_in::answered(uint64_t receipt, caf::mailbox_element_ptr what) {
  auto& content = what->content();
  auto failed = content.size() == 1 && content.match_element<caf::error>(0);
  auto why = failed ? content.get_as<caf::error>(0) : caf::error{};
  auto bounced = failed && !what->sender;
  uint64_t call = 0;
  peer_ptr over;
  {
    std::lock_guard lock{mutex_};
    pending* p = nullptr;
    auto* s = find(receipt, &p);
    if (stopped_ || s == nullptr || p->done || !p->delivered) return;
    if (failed && (bounced || may_be_crash(why))) {
      // Its successor gets what it did not handle, and nothing new before that.
      s->stalled = true;
      s->again_ms = core_.now() + again_ms;
      stalled_.insert(s->slot);
      core_.wake();
      if (had_effect(*s, *p)) {
        failed = false;
        what = caf::make_mailbox_element(nullptr, what->mid, {}, caf::message{});
      } else if (bounced || p->crashes + 1 < crashes_max) {
        p->delivered = false;
        if (!bounced) p->suspect = std::move(why);
        return;
      }
    }
    over = s->over;
    call = p->call;
    if (failed) bury(*s, *p, why);
    p->done = true;
    p->what = {};
    finish(*s);
  }
  if (call != 0) over->post_answer(call, std::move(what));
}

/// A letter that is not delivered again.
void facts_in::bury(const stream& s, const pending& p, const caf::error& why) {
  s.over->count_dropped(&drop_counts::dead);
  core_.add_dead(core_.path_of(p.from), s.path, p.type->name(), message_of(why));
}

/// The receiver lives on after what looked like its last word: it was a refusal.
bool facts_in::refuse_suspects(stream& s) {
  auto any = false;
  for (auto& p : s.waiting) {
    if (!p.suspect || p.done) continue;
    any = true;
    bury(s, p, p.suspect);
    s.over->fail(p.call, p.suspect);
    p.done = true;
    p.what = {};
  }
  finish(s);
  return any;
}

/// The stream goes to this actor from now on. True if it is another than before.
bool facts_in::receives(stream& s, const caf::actor_control_block& who) {
  if (std::exchange(s.receiver, who.id()) == who.id()) return false;
  s.receiver_ended = false;
  return true;
}

/// Moves the offset over what is done.
void facts_in::finish(stream& s) {
  while (!s.waiting.empty() && s.waiting.front().done) {
    s.done = s.waiting.front().sequence;
    s.waiting.pop_front();
  }
  if (s.done <= s.collected || !dirty_.insert(s.slot).second) return;
  core_.wake();
}

void facts_in::settle(stream& s) { s.over->settle_fact(s.journal, s.path, s.committed); }

void facts_in::stamp(uint64_t receipt, ports::kv_batch& batch) {
  std::lock_guard lock{mutex_};
  pending* p = nullptr;
  auto* s = find(receipt, &p);
  if (s == nullptr) return;
  batch.put(s->key, std::to_string(p->sequence));
  s->stamped = std::max(s->stamped, p->sequence);
}

/// Hears when a receiver ends, for one that dies with a promise in its hands answers nobody. A proxy does not end.
void facts_in::watch(uint32_t slot, const caf::strong_actor_ptr& who) {
  if (proxy_of(who) != nullptr) return;
  who->get()->attach_functor(
      [&core = core_, slot, id = who->id()](const caf::error&) { core.facts().ended(slot, id); });
}

/// What the receiver took and never answered is its successor's.
void facts_in::ended(uint32_t slot, caf::actor_id who) {
  std::lock_guard lock{mutex_};
  if (stopped_ || slot >= slots_.size() || !slots_[slot] || slots_[slot]->receiver != who) return;
  auto& s = *slots_[slot];
  auto held = false;
  s.receiver_ended = true;
  for (auto& p : s.waiting) {
    if (std::exchange(p.suspect, caf::error{})) ++p.crashes;
    if (!p.delivered || p.done) continue;
    held = true;
    if (had_effect(s, p))
      p.done = true;
    else
      p.delivered = false;
  }
  if (!held) return;
  finish(s);
  s.stalled = true;
  s.again_ms = core_.now() + again_ms;
  stalled_.insert(slot);
  core_.wake();
}

bool facts_in::retry(int64_t now_ms) {
  std::vector<parcel> out;
  std::vector<std::pair<uint32_t, caf::strong_actor_ptr>> fresh;
  std::vector<uint32_t> ready;
  {
    std::lock_guard lock{mutex_};
    for (auto slot : stalled_) {
      auto& s = *slots_[slot];
      if (s.again_ms > now_ms) continue;
      // What is still in the mailbox of the one that ended comes back first: order is kept.
      if (std::any_of(s.waiting.begin(), s.waiting.end(), [](const pending& p) { return p.delivered && !p.done; }))
        continue;
      auto to = core_.target(s.path);
      if (!to) continue;
      auto same = to->id() == s.receiver;
      auto refused = same && !s.receiver_ended && refuse_suspects(s);
      // The one that has just ended may still stand in the directory: its successor is waited for, but not for ever.
      if (same && !refused && s.again_ms != 0 && now_ms < s.again_ms + same_again_ms) continue;
      if (receives(s, *to)) fresh.emplace_back(slot, to);
      ready.push_back(slot);
      for (auto& p : s.waiting) {
        if (p.delivered || p.done) continue;
        p.delivered = true;
        out.push_back({to, p.from, receipt_of(s, p), p.what});
      }
    }
  }
  for (auto& p : out) p.to->enqueue(std::move(p.from), p.mid, std::move(p.what), nullptr);
  for (auto& [slot, who] : fresh) watch(slot, who);
  std::lock_guard lock{mutex_};
  for (auto slot : ready) {
    auto& s = *slots_[slot];
    // What came meanwhile, or has come back, waits for the next turn: order is kept.
    auto more =
        std::any_of(s.waiting.begin(), s.waiting.end(), [](const pending& p) { return !p.delivered && !p.done; });
    if (more) continue;
    s.stalled = false;
    s.again_ms = 0;
    stalled_.erase(slot);
  }
  return !stalled_.empty();
}

void facts_in::collect(ports::kv_batch& batch) {
  std::lock_guard lock{mutex_};
  for (auto slot : dirty_) {
    auto& s = *slots_[slot];
    s.collected = s.done;
    if (s.stamped < s.done) batch.put(s.key, std::to_string(s.done));
  }
}

void facts_in::committed() {
  std::lock_guard lock{mutex_};
  for (auto i = dirty_.begin(); i != dirty_.end();) {
    auto& s = *slots_[*i];
    if (s.collected > s.committed) {
      s.committed = s.collected;
      settle(s);
    }
    i = s.done > s.committed ? std::next(i) : dirty_.erase(i);
  }
  if (!dirty_.empty()) core_.wake();
}

bool facts_in::dirty() const {
  std::lock_guard lock{mutex_};
  return !dirty_.empty();
}

/// Lets go of all actors. What still runs can stamp what it has in its hands: without, its effect would be had twice.
void facts_in::stop() {
  std::vector<std::pair<caf::message, caf::strong_actor_ptr>> gone;
  std::lock_guard lock{mutex_};
  stopped_ = true;
  for (auto& s : slots_)
    if (s)
      for (auto& p : s->waiting) gone.emplace_back(std::move(p.what), std::move(p.from));
  stalled_.clear();
}

}  // namespace skerry::link
