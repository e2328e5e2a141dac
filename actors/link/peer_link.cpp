// A peer seen from its link: what is sent when, and what becomes of it when the link is cut.
#include <algorithm>

#include "actors/link/link_end.hpp"
#include "actors/link/mesh_core.hpp"
#include "actors/link/peer.hpp"

namespace skerry::link {

// -- the connection
// -----------------------------------------------------------------------------------------------------

/// Nothing more comes over the connection: what is on its way waits again. Under the lock; true if observers are to be
/// told.
bool peer::lower() {
  if (!end_) return false;
  end_ = nullptr;
  counted_.since_ms = now();
  latest_.rewind();
  facts_.rewind();
  calls_.suspend(now());
  unsettled_ = 0;
  return std::exchange(ready_, false);
}

void peer::up(std::shared_ptr<link_end> end) {
  std::shared_ptr<link_end> old;
  bool was_ready = false;
  {
    std::lock_guard lock{mutex_};
    old = end_;
    was_ready = lower();
    settling_ = {};  // of letters that came over an older connection: who still waits sends them again
    end_ = end;
    names_.emplace(core_.next_epoch(), [this](const caf::strong_actor_ptr& a) { return core_.path_of(a); });
    journal_.clear();  // until the other side has said which one it has now
    sent_bytes_ = released_bytes_ = 0;
  }
  if (was_ready) core_.tell_observers(island_, false);
  if (old) old->close();
  core_.wake(*this);
  const auto& a = core_.args();
  end->send(encode_with([&](schema::Frame::Builder b) {
    auto m = b.initMesh();
    m.setProtocol(1);
    m.setIsland(a.island);
    m.setJournal(core_.journal_name());
    m.setBoot(core_.boot());
    m.setWindowBytes(a.window_bytes);
  }));
}

void peer::ready(const link_end& end, uint64_t window_bytes, const std::string& journal) {
  graveyard dead;
  {
    std::lock_guard lock{mutex_};
    if (end_.get() != &end || ready_) return;
    ready_ = true;
    journal_ = journal;
    window_ = std::max<uint64_t>(window_bytes, limits::letter_bytes_max + limits::envelope_bytes);
    counted_.since_ms = now();
    ++counted_.sessions;
    for (const auto& [path, incarnation] : watches_) {
      outgoing o;
      o.kind = envelope_kind::watch;
      o.to_path = path;
      o.from_path = core_.args().island;
      o.receipt = incarnation;
      o.since_ms = now();
      state_.push(std::move(o));
    }
    flush(dead);
  }
  core_.tell_observers(island_, true);
}

void peer::down(const link_end& end) {
  bool was_ready = false;
  {
    std::lock_guard lock{mutex_};
    if (end_.get() != &end) return;
    was_ready = lower();
  }
  if (was_ready) core_.tell_observers(island_, false);
  core_.wake(*this);
}

void peer::drained(const link_end& end) {
  graveyard dead;
  std::lock_guard lock{mutex_};
  if (end_.get() != &end) return;
  flush_settled();
  flush(dead);
}

bool peer::is_up() const {
  std::lock_guard lock{mutex_};
  return ready_ && !held_;
}

bool peer::idle_since(int64_t before_ms) const {
  std::lock_guard lock{mutex_};
  return !end_ && counted_.since_ms != 0 && counted_.since_ms < before_ms;
}

// -- sending
// ------------------------------------------------------------------------------------------------------------

bool peer::can_send() const { return ready_ && !held_ && end_->queued() == 0; }

/// Sends what can be sent: one frame, or more if the connection takes them at once.
void peer::flush(graveyard& dead) {
  while (can_send()) {
    std::vector<outgoing> batch;     // fleeting: let go of when sent
    std::vector<outgoing> facts;     // durable: their contents are lent
    std::vector<outgoing*> letters;  // all of the frame, in order
    collect(batch, facts, letters);
    if (!letters.empty()) transmit(letters);
    give_back(facts);
    if (letters.empty()) return;
    for (auto& o : batch) dead.quiet.push_back(std::move(o));
  }
}

/// Picks what goes into one frame, by priority, within the window.
void peer::collect(std::vector<outgoing>& batch, std::vector<outgoing>& facts, std::vector<outgoing*>& letters) {
  size_t bytes = 0;
  uint64_t cost = 0;
  auto fits = [&](size_t next) {
    return batch.size() + letters.size() < limits::letters_frame_max && bytes < limits::letters_frame_bytes &&
           has_credit(cost + next);
  };
  auto drain = [&](fleeting_queue& q) {
    while (!q.empty() && fits(q.front().cost())) {
      batch.push_back(q.pop());
      bytes += batch.back().bytes + limits::envelope_bytes;
      cost += batch.back().cost();
    }
    if (!q.empty() && !has_credit(cost + q.front().cost())) q.take_free(batch, limits::letters_frame_max);
  };
  drain(state_);
  auto fleeting = batch.size();
  while (latest_.waits() && fits(latest_.next_cost())) {
    letters.push_back(&latest_.take(names_->epoch()));
    bytes += letters.back()->bytes + limits::envelope_bytes;
    cost += letters.back()->cost();
  }
  drain(fact_);
  auto urgent = batch.size();
  collect_facts(facts, bytes);
  drain(bulk_);
  // State first, then what else was taken: the order of collection.
  std::vector<outgoing*> all;
  all.reserve(batch.size() + letters.size());
  for (size_t i = 0; i < fleeting; ++i) all.push_back(&batch[i]);
  all.insert(all.end(), letters.begin(), letters.end());
  for (size_t i = fleeting; i < urgent; ++i) all.push_back(&batch[i]);
  for (auto& f : facts) all.push_back(&f);
  for (size_t i = urgent; i < batch.size(); ++i) all.push_back(&batch[i]);
  letters.swap(all);
}

void peer::transmit(std::vector<outgoing*>& letters) {
  auto restart = names_->begin(letters.size(), [this] { return core_.next_epoch(); });
  auto t = now();
  auto data = encode_letters(letters, *names_, restart, t);
  for (auto* o : letters) {
    if (o->kind == envelope_kind::letter) {
      ++counted_.letters_out;
      sent_bytes_ += o->cost();
      unsettled_ += o->cost();
      if (o->call != 0) {
        auto direct = paths::is_below(proxy_of(o->to)->path(), island_);
        calls_.sent(o->call, direct ? 0 : t + limits::relayed_call_ms_max);
        if (!direct) core_.wake(*this);
      }
    }
  }
  ++counted_.frames_out;
  counted_.bytes_out += data.size();
  end_->send(std::move(data));
}

// -- what became of it
// ----------------------------------------------------------------------------------------------------

void peer::on_settled(const link_end& from, schema::Settled::Reader s) {
  graveyard dead;
  std::vector<facts_out::fact> done;
  std::lock_guard lock{mutex_};
  if (end_.get() != &from) return;
  auto released = s.getReleasedBytes();
  if (released > sent_bytes_) released = sent_bytes_;
  if (released > released_bytes_) released_bytes_ = released;
  unsettled_ = sent_bytes_ - released_bytes_;
  settled_ms_ = now();
  for (auto r : s.getStates()) latest_.settle(r, dead.quiet);
  for (auto f : s.getFacts()) {
    auto path = f.getPath();
    acknowledge({path.begin(), path.size()}, f.getSequence(), done);
  }
  auto again = now() + limits::latest_again_ms;
  for (auto r : s.getRefused()) latest_.refuse(r, again);
  if (s.getRefused().size() > 0) core_.wake(*this);
  flush(dead);
}

void peer::settle_state(uint64_t receipt, bool handled) {
  std::lock_guard lock{mutex_};
  (handled ? settling_.states : settling_.refused).push_back(receipt);
  flush_settled();
}

void peer::settle_fact(const std::string& journal, const std::string& path, uint64_t sequence) {
  std::lock_guard lock{mutex_};
  if (journal != journal_) return;  // the island came back without its disk: these are no numbers of its own
  auto known = std::find_if(settling_.facts.begin(), settling_.facts.end(), [&](auto& f) { return f.first == path; });
  if (known == settling_.facts.end())
    settling_.facts.emplace_back(path, sequence);
  else
    known->second = std::max(known->second, sequence);
  flush_settled();
}

void peer::release_moved(const link_end& from) {
  std::lock_guard lock{mutex_};
  if (end_.get() != &from) return;
  settling_.released_moved = true;
  flush_settled();
}

/// Tells what was settled, unless something is on its way out: then with the next that goes.
void peer::flush_settled() {
  if (!ready_ || settling_.empty() || end_->queued() != 0) return;
  settling_.released = end_->released();
  auto data = encode_settled(settling_);
  settling_ = {};
  ++counted_.frames_out;
  counted_.bytes_out += data.size();
  end_->send(std::move(data));
}

// -- operators, worker
// ----------------------------------------------------------------------------------------------------

void peer::hold(bool on) {
  graveyard dead;
  bool changed = false, told = false;
  {
    std::lock_guard lock{mutex_};
    changed = std::exchange(held_, on) != on;
    told = ready_;
    if (changed && on) calls_.suspend(now());
    if (!on) flush(dead);
  }
  if (changed && told) core_.tell_observers(island_, !on);
  core_.wake(*this);
}

size_t peer::forget() {
  graveyard dead;
  std::vector<call_table::call> calls;
  std::shared_ptr<link_end> end;
  {
    std::lock_guard lock{mutex_};
    deleted_ = true;
    ready_ = false;
    end = std::exchange(end_, nullptr);
    for (auto* q : {&state_, &fact_, &bulk_}) q->take_all(dead.quiet);
    latest_.take_all(dead.quiet);
    calls = calls_.take_all();
    watches_.clear();
  }
  if (end) end->close();
  auto why = make_error(errc::unavailable, island_ + " is deleted");
  for (auto& c : calls) c.who->enqueue(nullptr, c.mid.response_id(), caf::make_message(why), nullptr);
  auto letter = [](const outgoing& o) { return o.kind == envelope_kind::letter; };
  return static_cast<size_t>(std::count_if(dead.quiet.begin(), dead.quiet.end(), letter));
}

bool peer::tick(int64_t t) {
  graveyard dead;
  std::vector<call_table::call> calls;
  bool more = false, more_calls = false;
  {
    std::lock_guard lock{mutex_};
    if (deleted_) return false;
    auto stopped = !ready_ || held_;
    for (auto* q : {&state_, &fact_, &bulk_}) {
      if (!q->empty()) q->expire(t, dead.refused);
      more |= !q->empty();
    }
    for (auto& o : dead.refused)
      if (o.kind == envelope_kind::letter) ++dropped_.expired, calls_.take(o.call);
    calls = calls_.expire(t, more_calls);
    more |= more_calls;
    if (!stopped) more |= latest_.retry(t);
    flush(dead);
  }
  bury(dead, errc::suspended, "the link is cut, and the letter's time to live is over; try again");
  for (auto& c : calls) {
    auto* p = proxy_of(c.to);
    auto path = p != nullptr ? std::string{p->path()} : island_;
    c.who->enqueue(nullptr, c.mid.response_id(),
                   caf::make_message(make_error(errc::suspended, "no answer from " + path + " within " +
                                                                     std::to_string(c.ttl_ms) + " ms: the link to " +
                                                                     island_ + " is cut, or was; try again")),
                   nullptr);
  }
  return more;
}

link_figures peer::figures() const {
  std::lock_guard lock{mutex_};
  auto f = counted_;
  auto t = now();
  f.up = ready_;
  f.held = held_;
  int64_t oldest = 0;
  auto older = [&](int64_t since) {
    if (since != 0 && (oldest == 0 || since < oldest)) oldest = since;
  };
  for (const auto* q : {&state_, &fact_, &bulk_}) {
    f.waiting += q->size();
    f.waiting_bytes += q->bytes();
    older(q->since_ms());
  }
  older(latest_.since_ms());
  older(facts_.since_ms());
  f.durable_waiting = facts_.count();
  f.durable_bytes = facts_.bytes();
  f.latest_waiting = latest_.size();
  f.latest_conflated = latest_.conflated();
  f.unsettled_bytes = unsettled_;
  f.calls = calls_.size();
  f.lag_ms = oldest == 0 ? 0 : t - oldest;
  f.settled_ms_ago = settled_ms_ < 0 ? -1 : t - settled_ms_;
  if (end_) end_->add_figures(f);
  f.dropped = dropped_;
  return f;
}

}  // namespace skerry::link
