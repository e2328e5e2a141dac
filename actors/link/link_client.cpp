#include "actors/link/link_client.hpp"

#include "actors/link/join.hpp"

#include <caf/send.hpp>

namespace skerry::link {
using std::chrono::milliseconds;
namespace {
constexpr uint32_t protocol = 1;
constexpr auto inventory_timeout = std::chrono::seconds(5);
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
}  // namespace

caf::behavior link_client(base::stateful<link_client_state>* self, link_client_args args) {
  return self->state.make(std::move(args));
}

caf::behavior link_client_state::make(link_client_args args) {
  args_ = std::make_unique<link_client_args>(std::move(args));
  renewal_ =
      std::make_unique<renewal>(args_->pki, names_of_node(args_->node), args_->renew_before_ms, args_->on_renewed);
  base::prepare(self_, args_->ctx, args_->path);
  outbox_ = std::make_unique<outbox>(args_->kv);
  if (auto e = outbox_->open(args_->ctx.random)) {
    log(ports::severity::error, "the journal of facts cannot be read: " + message_of(e));
    self_->quit(std::move(e));
    return {};
  }
  if (auto n = outbox_->corrupt_dropped(); n > 0)
    log(ports::severity::error, std::to_string(n) + " entries of the journal did not check and were dropped");
  boot_ = args_->ctx.random.next();
  counted_.address = args_->address;
  if (args_->parent) self_->send(args_->parent, base::ready{args_->path});
  connect();
  return behavior();
}

void link_client_state::connect() {
  auto generation = ++generation_;
  phase_ = phase::connecting;
  auto weak = caf::actor_cast<caf::weak_actor_ptr>(self_);
  args_->transport.connect(
      args_->address, args_->credentials, args_->times.connect_ms,
      [weak, generation](caf::expected<ports::connection_ptr> c) {
        if (auto strong = weak.lock())
          caf::anon_send(caf::actor_cast<caf::actor>(strong), link_connected{generation, std::move(c)});
      });
}

void link_client_state::on_connected(const link_connected& m) {
  if (m.generation != generation_ || phase_ != phase::connecting) return;
  if (!m.connection) return fail(m.connection.error());
  wire_ = wire{*m.connection, caf::actor_cast<caf::actor>(self_), generation_};
  phase_ = phase::greeting;
  greeted_ms_ = now();
  live_.emplace(now(), true, args_->times.ping_ms, args_->times.half_open_ms);
  arm_tick();
  auto agent = args_->agent();
  if (!agent) return fail(make_error(errc::unavailable, "the node's agent is not there just now"));
  self_->request(agent, inventory_timeout, get_inventory{})
      .then(
          [this, generation = generation_](const inventory& held) {
            if (generation == generation_ && phase_ == phase::greeting) hello(held);
          },
          [this, generation = generation_](const caf::error& e) {
            if (generation == generation_ && phase_ == phase::greeting)
              fail(make_error(errc::unavailable, "the node's agent gives no inventory: " + message_of(e)));
          });
}

void link_client_state::hello(const inventory& held) {
  wire_.send_with([&](schema::Frame::Builder b) {
    auto h = b.initHello();
    h.setProtocol(protocol);
    h.setVersion(args_->version);
    h.setBoot(boot_);
    h.setComplete(held.complete);
    h.setNextFact(outbox_->oldest());
    h.setJournal(outbox_->journal());
    auto list = h.initInventory(static_cast<unsigned>(held.objects.size()));
    for (unsigned i = 0; i < held.objects.size(); ++i) {
      const auto& o = held.objects[i];
      list[i].setResource(o.key.resource);
      list[i].setNamespace(o.key.ns);
      list[i].setName(o.key.name);
      list[i].setUid(o.uid);
      list[i].setRevision(o.revision);
      list[i].setDigest(digest_of(o));
    }
  });
}

void link_client_state::on_frames(const wire_frames& m) {
  if (m.generation != generation_ || !wire_) return;
  live_->heard(now());
  std::vector<frame> frames;
  auto broken = wire_.take(m, frames);
  for (const auto& f : frames) {
    if (m.generation != generation_ || !wire_) return;
    try {
      on_frame(f);
    } catch (const kj::Exception& e) {
      return breach(errc::corrupt, std::string{"a frame of the cloud does not parse: "} + e.getDescription().cStr());
    }
  }
  if (broken && m.generation == generation_ && wire_) breach(code_of(broken), message_of(broken));
}

void link_client_state::on_end(const wire_end& m) {
  if (m.generation != generation_ || phase_ == phase::waiting) return;
  fail(m.why ? m.why : make_error(errc::unavailable, "the cloud closed the connection"));
}

void link_client_state::on_frame(const frame& f) {
  auto r = *f;
  auto up = phase_ == phase::up;
  switch (r.which()) {
    case schema::Frame::WELCOME:
      if (phase_ == phase::greeting) return on_welcome(r.getWelcome());
      break;
    case schema::Frame::DESIRED:
      if (up) return on_desired(f);
      break;
    case schema::Frame::FACTS_ACK:
      if (up) return on_facts_ack(r.getFactsAck());
      break;
    case schema::Frame::JOINED:
      if (up) return on_joined(r.getJoined());
      break;
    case schema::Frame::PING:
      return wire_.pong(r.getPing());
    case schema::Frame::PONG: {
      auto sent = static_cast<int64_t>(r.getPong());
      if (sent <= now()) counted_.round_trip_ms = now() - sent;
      return;
    }
    case schema::Frame::GOODBYE:
      return on_goodbye(r.getGoodbye());
    default:
      return;  // of a later version of the protocol
  }
  breach(errc::invalid, "the cloud sent a frame out of turn (" + std::to_string(static_cast<int>(r.which())) + ")");
}

void link_client_state::on_welcome(schema::Welcome::Reader w) {
  if (auto e = check_cluster(text_of(w.getCluster()))) return breach(code_of(e), message_of(e));
  phase_ = phase::up;
  backoff_.reset();
  ++counted_.sessions;
  counted_.last_error.clear();
  log(ports::severity::info,
      "session with " + args_->address + " stands; " + std::to_string(outbox_->waiting()) + " facts wait");
  if (args_->links != nullptr)
    if (auto end = args_->links->open(paths::cloud, wire_.connection())) wire_.carry(*end);
  auto acked = w.getFactsAcked();
  sent_ = 0;
  if (acked > 0 && acked < outbox_->next()) {
    sent_ = acked;
    if (auto e = outbox_->acknowledge(acked)) log(ports::severity::warning, "journal: " + message_of(e));
  }
  tell_agent();
  send_facts();
  renew_if_due();
}

void link_client_state::on_goodbye(schema::Goodbye::Reader g) {
  auto code = g.getCode() <= static_cast<uint16_t>(errc::internal) ? static_cast<errc>(g.getCode()) : errc::unavailable;
  if (code == errc::none) code = errc::unavailable;
  fail(make_error(code, "the cloud said goodbye: " + text_of(g.getMessage())), g.getRetryAfterMs());
}

void link_client_state::arm_tick() {
  auto next = live_->next_check_ms(now());
  if (phase_ == phase::greeting) next = std::min(next, std::max(now() + 1, greeted_ms_ + args_->times.connect_ms));
  self_->delayed_send(self_, milliseconds(next - now()), link_tick{generation_});
}

void link_client_state::on_tick() {
  if (phase_ == phase::greeting && now() - greeted_ms_ >= args_->times.connect_ms)
    return breach(errc::timed_out,
                  "the cloud did not answer hello within " + std::to_string(args_->times.connect_ms) + " ms");
  switch (live_->check(now())) {
    case liveness::action::dead:
      return breach(errc::timed_out, "nothing heard from the cloud for " + std::to_string(args_->times.half_open_ms) +
                                         " ms: the connection is half-open");
    case liveness::action::ping:
      if (phase_ == phase::up) wire_.ping(static_cast<uint64_t>(now()));
      live_->pinged(now());
      tell_agent();
      renew_if_due();
      break;
    case liveness::action::none:
      break;
  }
  arm_tick();
}

/// Ends the connection for a fault of the other side or of the line.
void link_client_state::breach(errc code, const std::string& what) {
  if (wire_) wire_.goodbye(code, what);
  fail(make_error(code, what));
}

void link_client_state::fail(caf::error why, uint32_t retry_after_ms) {
  auto text = message_of(why);
  auto was_up = phase_ == phase::up;
  phase_ = phase::waiting;
  auto& c = counted_;
  c.bytes_in += wire_.bytes_in();
  c.bytes_out += wire_.bytes_out();
  c.frames_in += wire_.frames_in();
  c.frames_out += wire_.frames_out();
  wire_.close();
  wire_ = wire{};
  in_flight_.clear();
  desired_.clear();
  applying_ = false;
  applied_ = 0;
  renewal_->reset();
  auto wait = backoff_.next_ms(args_->ctx.random, retry_after_ms);
  // Said once for each reason, not for each try.
  if (was_up || text != c.last_error)
    log(ports::severity::warning,
        text + " (" + to_string(code_of(why)) + "); trying again, next in " + std::to_string(wait) + " ms");
  c.last_error = std::move(text);
  tell_agent();
  self_->delayed_send(self_, milliseconds(wait), link_retry{++generation_});
}

/// Tells the agent how the link is, if it, or a new one after a restart, does not know yet.
void link_client_state::tell_agent() {
  auto agent = args_->agent();
  auto up = phase_ == phase::up;
  if (!agent || (agent.id() == told_agent_ && up == told_connected_)) return;
  told_agent_ = agent.id();
  told_connected_ = up;
  self_->send(agent, link_state{up});
}

link_stats link_client_state::stats() const {
  auto s = counted_;
  s.connected = phase_ == phase::up;
  s.bytes_in += wire_.bytes_in();
  s.bytes_out += wire_.bytes_out();
  s.frames_in += wire_.frames_in();
  s.frames_out += wire_.frames_out();
  s.facts_waiting = outbox_->waiting();
  s.events_dropped = outbox_->events_dropped();
  s.facts_in_flight = in_flight_.size();
  s.oldest_fact_ms = outbox_->waiting() == 0 ? 0 : now() - outbox_->oldest_since_ms();
  s.heard_ms_ago = live_ ? now() - live_->heard_ms() : -1;
  return s;
}

caf::behavior link_client_state::behavior() {
  return {
      [this](const wire_frames& m) { on_frames(m); },
      [this](const wire_end& m) { on_end(m); },
      [this](const report_pod_status& r) { return report(r); },
      [this](const report_event& r) { return report(r); },
      [this](const report_node_status& r) { return report(r); },
      [this](const report_pod_gone& r) { return report(r); },
      [this](const report_device_status& r) { return report(r); },
      [this](const link_flush&) { on_flush(); },
      [this](const link_tick& m) {
        if (m.generation == generation_ && wire_) on_tick();
      },
      [this](const link_connected& m) { on_connected(m); },
      [this](const link_retry& m) {
        if (m.generation == generation_) connect();
      },
      [this](const link_apply& m) {
        if (m.generation == generation_ && phase_ == phase::up) apply_next();
      },
      [this](const get_link_stats&) { return stats(); },
  };
}

}  // namespace skerry::link
