#include "sim/ports/sim_transport.hpp"

#include <algorithm>

#include "schema/error.hpp"
#include "sim/ports/sim_pki.hpp"

namespace skerry::sim {

/// One end of a pipe, as its user holds it. The network outlives it.
class sim_connection final : public ports::connection {
public:
  sim_connection(sim_network& net, std::shared_ptr<sim_network::pipe> p, int side)
      : net_(net), pipe_(std::move(p)), side_(side) {}
  ~sim_connection() override { close(); }

  void start(handlers h) override {
    std::lock_guard lock{net_.mutex_};
    mine().handlers = std::move(h);
    mine().started = true;
    net_.refresh(pipe_);
  }
  void send(ports::bytes data) override {
    std::lock_guard lock{net_.mutex_};
    if (mine().closing || mine().over || other().over || pipe_->frozen || data.empty()) return;
    net_.put(*pipe_, side_, std::move(data));
    net_.refresh(pipe_);
  }
  size_t queued() const override {
    std::lock_guard lock{net_.mutex_};
    // What nobody acknowledges stays queued, but for what the kernel takes.
    auto stuck = mine().vanished > sim_network::kernel_bytes ? mine().vanished - sim_network::kernel_bytes : 0;
    return other().over && !mine().silent ? 0 : other().inbound_bytes + stuck;
  }
  void close() override {
    std::lock_guard lock{net_.mutex_};
    mine().closing = true;
    net_.refresh(pipe_);
  }
  const ports::peer_identity& peer() const override { return pipe_->ends[side_].peer; }

private:
  sim_network::end& mine() const { return pipe_->ends[side_]; }
  sim_network::end& other() const { return pipe_->ends[1 - side_]; }
  sim_network& net_;
  std::shared_ptr<sim_network::pipe> pipe_;
  int side_;
};

sim_network::~sim_network() {
  for (auto& p : pipes_)
    for (auto& e : p->ends) e.handlers = {};
}

void sim_network::listen(const std::string& address, ports::link_acceptor* who, std::string ca_pem) {
  std::lock_guard lock{mutex_};
  if (who == nullptr)
    listeners_.erase(address);
  else
    listeners_[address] = {who, std::move(ca_pem)};
}

void sim_network::connect(std::string address, ports::client_credentials who, uint32_t deadline_ms, connected done) {
  auto name = sim_pki::identity_of(who.certificate_pem).common_name;
  std::lock_guard lock{mutex_};
  auto a = std::make_shared<attempt>();
  a->address = std::move(address);
  a->who = std::move(who);
  a->deadline_ms = deadline_ms;
  a->done = std::move(done);
  a->way = &line_of(name);
  attempts_.push_back(std::move(a));
}

/// What an end sends goes on its way, as the plan of the connection says.
void sim_network::put(pipe& p, int from, ports::bytes data) {
  auto& e = p.ends[from];
  auto& to = p.ends[1 - from];
  const auto& w = p.plan.of(from);
  if (e.silent) {
    e.vanished += data.size();
    return;
  }
  auto total = p.ends[0].sent + p.ends[1].sent;
  bool cut_here = p.plan.cut_after != fault_plan::never && total + data.size() >= p.plan.cut_after;
  if (cut_here) data.resize(p.plan.cut_after > total ? p.plan.cut_after - total : 0);
  if (w.silent_after != fault_plan::never && e.sent + data.size() > w.silent_after) {
    e.silent = true;
    ++faults_.silent;
    data.resize(w.silent_after > e.sent ? w.silent_after - e.sent : 0);
  }
  if (w.corrupt_at >= e.sent && w.corrupt_at < e.sent + data.size()) {
    ++faults_.corrupt;
    auto at = w.corrupt_at - e.sent;
    data[at] ^= std::byte{0x10};
    // A sealed record that does not check is not delivered, nor is anything after it.
    if (sealed_) {
      data.resize(at);
      cut_here = true;
    }
  }
  auto due_ms = e.sent >= w.unread_after ? INT64_MAX : now_ms() + w.delay_ms;
  e.sent += data.size();
  to.inbound_bytes += data.size();
  if (!data.empty()) to.inbound.push_back({due_ms, std::move(data)});
  if (cut_here) cut(p, p.plan.who);
}

bool sim_network::bytes_due(const pipe& p, int side) const {
  const auto& e = p.ends[side];
  if (p.way->held(side)) return false;
  return !e.inbound.empty() && e.inbound.front().due_ms <= now_ms() && e.takes_again_ms <= now_ms();
}

/// Some of the bytes that are due for this end.
ports::bytes sim_network::take_bytes(pipe& p, int side) {
  auto& e = p.ends[side];
  auto& front = e.inbound.front().bytes;
  auto most = front.size();
  auto n = most;
  if (split_one_in_ == 1 || (split_one_in_ > 1 && chance_.next() % split_one_in_ == 0))
    n = chance_.next() % 4 == 0 ? 1 + chance_.next() % std::min<size_t>(most, 8) : 1 + chance_.next() % most;
  if (auto rate = p.plan.of(1 - side).bytes_per_s; rate > 0) {
    n = std::min<size_t>(n, rate / 20 + 1);
    e.takes_again_ms = now_ms() + static_cast<int64_t>(n * 1000 / rate);
  }
  ports::bytes out;
  if (n == most) {
    out = std::move(front);
    e.inbound.pop_front();
  } else {
    out.assign(front.begin(), front.begin() + static_cast<ptrdiff_t>(n));
    front.erase(front.begin(), front.begin() + static_cast<ptrdiff_t>(n));
  }
  e.inbound_bytes -= n;
  delivered_ += n;
  return out;
}

/// Is there something to do for this end: bytes, an end, a drained notice?
bool sim_network::due(const pipe& p, int side) const {
  const auto& e = p.ends[side];
  const auto& o = p.ends[1 - side];
  if (e.ended) return false;
  if (e.over) return e.started || e.closing;
  if (e.closing) return p.frozen || o.over || o.inbound.empty() || p.way->held(1 - side);  // what it sent is out
  if (!e.started) return false;
  return bytes_due(p, side) || e.drained_due ||
         (e.inbound.empty() && o.ended && !p.frozen && !o.silent && !p.way->held(side));
}

/// Takes what is due for this end off the pipe; the returned function calls the handlers, without the lock.
std::function<void()> sim_network::take(const pipe_ptr& p, int side) {
  auto& e = p->ends[side];
  auto& o = p->ends[1 - side];
  if (e.drained_due && !e.over && !e.closing) {
    e.drained_due = false;
    return [f = e.handlers.on_drained] {
      if (f) f();
    };
  }
  if (!e.over && !e.closing && bytes_due(*p, side)) {
    auto part = take_bytes(*p, side);
    if (e.inbound.empty()) o.drained_due = true;
    return [f = e.handlers.on_bytes, part = std::move(part)]() mutable {
      if (f) f(std::move(part));
    };
  }
  e.ended = e.over = true;
  e.inbound.clear();
  e.inbound_bytes = 0;
  auto h = std::make_shared<ports::connection::handlers>(std::exchange(e.handlers, {}));
  return [h, why = e.why] {
    if (h->on_end) h->on_end(why);
  };
}

caf::expected<sim_network::listener> sim_network::admit(const attempt& a) const {
  auto fail = [&](errc code, const std::string& why) { return make_error(code, "cloud at " + a.address + ": " + why); };
  if (partition_ || a.way->up_held || a.way->down_held)
    return fail(errc::timed_out, "no answer; the network is partitioned");
  auto l = listeners_.find(a.address);
  if (l == listeners_.end()) return fail(errc::unavailable, "nobody listens there");
  const auto& ca = l->second.ca_pem;
  if (ca.empty()) return l->second;
  auto pin = sim_pki::pin_of(ca);
  auto trusted = a.who.ca_pem.empty() ? !pin.empty() && pin == a.who.ca_pin : a.who.ca_pem == ca;
  if (!trusted) return fail(errc::unauthorized, "its certificate is foreign");
  if (!a.who.certificate_pem.empty() && !sim_pki::signed_by(a.who.certificate_pem, ca))
    return fail(errc::unauthorized, "it refuses our certificate");
  return l->second;
}

std::function<void()> sim_network::take_connect() {
  auto a = std::move(attempts_.front());
  attempts_.pop_front();
  if (time_ != nullptr && !a->over && (a->way->up_held || a->way->down_held)) {
    later_.emplace(now_ms() + a->deadline_ms, later{{}, 0, a});
    waiting_.push_back(std::move(a));
    return {};
  }
  auto to = admit(*a);
  if (!to) return [a, e = to.error()] { a->done(e); };
  auto p = std::make_shared<pipe>();
  p->way = a->way;
  p->ends[0].peer.address = a->address;
  p->ends[1].peer = sim_pki::identity_of(a->who.certificate_pem);
  p->ends[1].peer.address = "10.0.0.1:" + std::to_string(next_port_++);
  if (draw_) {
    p->plan = draw_();
    faults_.delayed += p->plan.up.delay_ms + p->plan.down.delay_ms > 0;
    faults_.slow += p->plan.up.bytes_per_s + p->plan.down.bytes_per_s > 0;
  }
  p->at = pipes_.size();
  pipes_.push_back(p);
  return [this, a, p, to = to->who] {
    to->on_link(std::make_shared<sim_connection>(*this, p, 1));
    a->done(ports::connection_ptr{std::make_shared<sim_connection>(*this, p, 0)});
  };
}

// -- what is due ------------------------------------------------------------------------------------------------------

void sim_network::set_ready(const pipe_ptr& p, int side, bool on) {
  auto& at = p->ends[side].ready_at;
  if ((at != not_ready) == on) return;
  if (on) {
    at = ready_.size();
    ready_.emplace_back(p, side);
    return;
  }
  auto& last = ready_.back();
  last.first->ends[last.second].ready_at = at;
  std::swap(ready_[at], last);
  at = not_ready;
  ready_.pop_back();
}

void sim_network::refresh(const pipe_ptr& p) {
  for (int side : {0, 1}) {
    auto& e = p->ends[side];
    bool is_due = due(*p, side);
    set_ready(p, side, is_due);
    if (is_due || e.inbound.empty() || e.over || e.closing || !e.started) continue;
    auto at = std::max(e.inbound.front().due_ms, e.takes_again_ms);
    if (at <= now_ms() || at == INT64_MAX || e.timer_ms == at) continue;
    e.timer_ms = at;
    later_.emplace(at, later{p, side, {}});
  }
}

void sim_network::refresh_all(const line* way) {
  // A refresh never changes pipes_; `forget` does, and is called from a step alone.
  for (auto& p : pipes_)
    if (way == nullptr || p->way == way) refresh(p);
}

void sim_network::forget(pipe& p) {
  auto& last = pipes_.back();
  last->at = p.at;
  std::swap(pipes_[p.at], last);
  pipes_.pop_back();
}

void sim_network::pass_time() {
  while (!later_.empty() && later_.begin()->first <= now_ms()) {
    auto what = std::move(later_.extract(later_.begin()).mapped());
    if (auto p = what.of.lock()) {
      p->ends[what.side].timer_ms = 0;
      refresh(p);
    } else if (auto a = what.whose.lock()) {
      auto i = std::find(waiting_.begin(), waiting_.end(), a);
      if (i == waiting_.end()) continue;
      waiting_.erase(i);
      a->over = true;
      attempts_.push_back(std::move(a));
    }
  }
}

bool sim_network::step() {
  std::function<void()> act;
  {
    std::lock_guard lock{mutex_};
    pass_time();
    auto n = ready_.size() + (attempts_.empty() ? 0 : 1);
    if (n == 0) return false;
    auto pick = chance_.next() % n;
    if (pick < ready_.size()) {
      auto [p, side] = ready_[pick];
      act = take(p, side);
      refresh(p);
      if (p->ends[0].ended && p->ends[1].ended) forget(*p);
    } else {
      act = take_connect();
    }
  }
  if (act) act();
  return true;
}

}  // namespace skerry::sim
