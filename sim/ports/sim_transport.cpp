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
  }
  void send(ports::bytes data) override {
    std::lock_guard lock{net_.mutex_};
    if (mine().closing || mine().over || other().over || pipe_->frozen) return;
    other().inbound.insert(other().inbound.end(), data.begin(), data.end());
  }
  size_t queued() const override {
    std::lock_guard lock{net_.mutex_};
    return other().over ? 0 : other().inbound.size();
  }
  void close() override {
    std::lock_guard lock{net_.mutex_};
    mine().closing = true;
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

void sim_network::connect(std::string address, ports::client_credentials who, uint32_t, connected done) {
  std::lock_guard lock{mutex_};
  attempts_.push_back({std::move(address), std::move(who), std::move(done)});
}

/// Is there something to do for this end: bytes, an end, a drained notice?
bool sim_network::due(const pipe& p, int side) const {
  const auto& e = p.ends[side];
  const auto& o = p.ends[1 - side];
  if (e.ended) return false;
  if (e.over) return e.started || e.closing;
  if (e.closing) return p.frozen || o.over || o.inbound.empty();  // what it sent is out
  if (!e.started) return false;
  return !e.inbound.empty() || e.drained_due || (o.ended && !p.frozen);
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
  if (!e.over && !e.closing && !e.inbound.empty()) {
    auto most = e.inbound.size();
    auto n = chance_.next() % 4 == 0 ? 1 + chance_.next() % std::min<size_t>(most, 8) : 1 + chance_.next() % most;
    ports::bytes part(e.inbound.begin(), e.inbound.begin() + static_cast<ptrdiff_t>(n));
    e.inbound.erase(e.inbound.begin(), e.inbound.begin() + static_cast<ptrdiff_t>(n));
    delivered_ += n;
    if (e.inbound.empty()) o.drained_due = true;
    return [f = e.handlers.on_bytes, part = std::move(part)]() mutable {
      if (f) f(std::move(part));
    };
  }
  e.ended = e.over = true;
  e.inbound.clear();
  auto h = std::make_shared<ports::connection::handlers>(std::exchange(e.handlers, {}));
  return [h, why = e.why] {
    if (h->on_end) h->on_end(why);
  };
}

caf::expected<sim_network::listener> sim_network::admit(const attempt& a) const {
  auto fail = [&](errc code, const std::string& why) { return make_error(code, "cloud at " + a.address + ": " + why); };
  if (partition_) return fail(errc::timed_out, "no answer; the network is partitioned");
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
  auto a = std::make_shared<attempt>(std::move(attempts_.front()));
  attempts_.pop_front();
  auto to = admit(*a);
  if (!to) return [a, e = to.error()] { a->done(e); };
  auto p = std::make_shared<pipe>();
  p->ends[0].peer.address = a->address;
  p->ends[1].peer = sim_pki::identity_of(a->who.certificate_pem);
  p->ends[1].peer.address = "10.0.0.1:" + std::to_string(next_port_++);
  pipes_.push_back(p);
  return [this, a, p, to = to->who] {
    to->on_link(std::make_shared<sim_connection>(*this, p, 1));
    a->done(ports::connection_ptr{std::make_shared<sim_connection>(*this, p, 0)});
  };
}

bool sim_network::step() {
  std::function<void()> act;
  {
    std::lock_guard lock{mutex_};
    std::erase_if(pipes_, [](const pipe_ptr& p) { return p->ends[0].ended && p->ends[1].ended; });
    std::vector<std::pair<pipe_ptr, int>> choices;
    for (auto& p : pipes_)
      for (int side : {0, 1})
        if (due(*p, side)) choices.emplace_back(p, side);
    auto n = choices.size() + (attempts_.empty() ? 0 : 1);
    if (n == 0) return false;
    auto pick = chance_.next() % n;
    act = pick < choices.size() ? take(choices[pick].first, choices[pick].second) : take_connect();
  }
  act();
  return true;
}

void sim_network::cut() {
  std::lock_guard lock{mutex_};
  for (auto& p : pipes_)
    for (auto& e : p->ends) {
      if (e.over) continue;
      e.over = true;
      e.inbound.clear();
      if (!e.closing) e.why = make_error(errc::unavailable, "the connection is lost");
    }
}

void sim_network::freeze() {
  std::lock_guard lock{mutex_};
  for (auto& p : pipes_) {
    p->frozen = true;
    for (auto& e : p->ends) e.inbound.clear();
  }
}

void sim_network::partition(bool on) {
  std::lock_guard lock{mutex_};
  partition_ = on;
}

size_t sim_network::connections() const {
  std::lock_guard lock{mutex_};
  return static_cast<size_t>(std::count_if(pipes_.begin(), pipes_.end(),
                                           [](const pipe_ptr& p) { return !p->ends[0].over || !p->ends[1].over; }));
}

uint64_t sim_network::bytes_delivered() const {
  std::lock_guard lock{mutex_};
  return delivered_;
}

}  // namespace skerry::sim
