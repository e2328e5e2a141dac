#include "actors/link/session.hpp"

#include "actors/link/join.hpp"

namespace skerry::link {
namespace {
constexpr uint32_t protocol = 1;
constexpr auto hub_timeout = std::chrono::seconds(5);
constexpr auto facts_timeout = std::chrono::seconds(30);
constexpr int64_t tell_hub_ms = 4'000;
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
}  // namespace

caf::behavior session(base::stateful<session_state>* self, session_args args) {
  return self->state.make(std::move(args));
}

caf::behavior session_state::make(session_args args) {
  args_ = std::make_unique<session_args>(std::move(args));
  base::prepare(self_, ctx(), args_->path);
  self_->set_down_handler(
      [this](caf::scheduled_actor*, caf::down_msg&) { end(errc::unavailable, "the cloud's link restarts", 1000); });
  self_->monitor(args_->hub);
  opened_ms_ = now();
  live_.emplace(now(), false, times().ping_ms + times().ping_ms / 2, times().half_open_ms);
  set_ = std::make_unique<desired_set>(args_->node);
  wire_ = wire{std::move(args_->connection), caf::actor_cast<caf::actor>(self_), args_->id};
  arm_tick();
  return {
      [this](const wire_frames& m) { on_frames(m); },
      [this](const wire_end& m) {
        if (m.why && phase_ != phase::over)
          ctx().log.info(args_->path, "session of node " + args_->node + " ended: " + message_of(m.why));
        phase_ = phase::over;
        self_->quit();
      },
      [this](const poke&) {
        dirty_ = true;
        if (phase_ == phase::up) refresh();
      },
      [this](const session_tick&) {
        if (phase_ != phase::over) on_tick();
      },
      [this](const superseded&) {
        end(errc::conflict, "a newer session of node " + args_->node + " took over", 5'000);
      },
  };
}

void session_state::on_frames(const wire_frames& m) {
  if (phase_ == phase::over) return;
  std::vector<frame> frames;
  auto broken = wire_.take(m, frames);
  heard();
  for (const auto& f : frames) {
    if (phase_ == phase::over) return;
    try {
      on_frame(f);
    } catch (const kj::Exception& e) {
      return end(errc::corrupt, std::string{"a frame does not parse: "} + e.getDescription().cStr());
    }
  }
  if (phase_ == phase::over) return;
  if (broken) return end(code_of(broken), message_of(broken));
  if (wire_.queued() > limits::inbound_bytes_max) end(errc::too_many, "the node asks and does not read the answers");
}

void session_state::heard() {
  live_->heard(now());
  if (phase_ != phase::up || now() - told_hub_ms_ < tell_hub_ms) return;
  told_hub_ms_ = now();
  self_->send(args_->hub, session_heard{args_->id});
}

void session_state::on_frame(const frame& f) {
  auto r = *f;
  auto up = phase_ == phase::up;
  switch (r.which()) {
    case schema::Frame::HELLO:
      if (phase_ == phase::waiting_for_hello) return on_hello(r.getHello());
      break;
    case schema::Frame::FACTS:
      if (up) return on_facts(f);
      break;
    case schema::Frame::DESIRED_ACK:
      if (up) return on_desired_ack(r.getDesiredAck());
      break;
    case schema::Frame::JOIN:
      if (up) return on_renewal(r.getJoin());
      break;
    case schema::Frame::PING:
      return wire_.pong(r.getPing());
    case schema::Frame::PONG:
      return;
    case schema::Frame::GOODBYE:
      return end(errc::none, text_of(r.getGoodbye().getMessage()));
    default:
      return;  // of a later version of the protocol
  }
  end(errc::invalid, "frame out of turn (" + std::to_string(static_cast<int>(r.which())) + ")");
}

void session_state::on_hello(schema::Hello::Reader h) {
  if (h.getProtocol() != protocol)
    return end(errc::unsupported,
               "protocol " + std::to_string(h.getProtocol()) + " is not spoken here, but " + std::to_string(protocol) +
                   "; use the same version of skerry on both sides",
               60'000);
  if (h.getInventory().size() > limits::held_objects_max)
    return end(errc::too_large,
               "an inventory of " + std::to_string(h.getInventory().size()) + " objects; at most " +
                   std::to_string(limits::held_objects_max),
               60'000);
  for (auto o : h.getInventory())
    held_[{text_of(o.getResource()), text_of(o.getNamespace()), text_of(o.getName())}] = {
        text_of(o.getUid()), o.getRevision(), o.getDigest()};
  journal_ = text_of(h.getJournal());
  phase_ = phase::greeting;
  self_->request(args_->hub, hub_timeout, session_up{args_->node, args_->id, text_of(h.getVersion())})
      .then(
          [this] {
            if (phase_ != phase::greeting) return;
            auto writer = args_->parts.status_writer();
            if (!writer) return end(errc::unavailable, "the cloud starts up", 1000);
            self_->request(writer, hub_timeout, get_facts_acked{args_->node, journal_})
                .then([this](uint64_t acked) { welcome(acked); },
                      [this](const caf::error& e) { end(errc::unavailable, "not ready: " + message_of(e), 1000); });
          },
          [this](const caf::error& e) { end(errc::unavailable, "not ready: " + message_of(e), 1000); });
}

void session_state::welcome(uint64_t facts_acked) {
  if (phase_ != phase::greeting) return;
  auto sync = args_->parts.node_sync();
  if (!sync) return end(errc::unavailable, "the cloud starts up", 1000);
  phase_ = phase::up;
  wire_.send_with([&](schema::Frame::Builder b) {
    auto w = b.initWelcome();
    w.setLeaseMs(limits::lease_ms);
    w.setCluster(args_->parts.cluster);
    w.setFactsAcked(facts_acked);
  });
  if (auto* links = args_->parts.links) {
    auto end = links->open(paths::node(args_->node), wire_.connection());
    if (end) wire_.carry(*end);
  }
  heard();
  self_->monitor(sync);
  self_->send(sync, follow_node{args_->node, caf::actor_cast<caf::actor>(self_)});
}

void session_state::on_facts(const frame& f) {
  if (++facts_waiting_ > limits::facts_window)
    return end(errc::too_many, "more facts without acknowledgement than the window allows");
  auto writer = args_->parts.status_writer();
  if (!writer) return end(errc::unavailable, "the cloud's status writer restarts", 1000);
  self_->request(writer, facts_timeout, facts_arrived{args_->node, journal_, f})
      .then(
          [this](uint64_t committed) {
            if (facts_waiting_ > 0) --facts_waiting_;
            if (phase_ != phase::up || committed == 0) return;
            wire_.send_with([&](schema::Frame::Builder b) { b.setFactsAck(committed); });
          },
          [this](const caf::error& e) {
            auto code = code_of(e) == errc::internal ? errc::unavailable : code_of(e);
            end(code, "facts were not committed: " + message_of(e), 1000);
          });
}

/// A new certificate for the node that the present one speaks for: no token, the session is proof enough.
void session_state::on_renewal(schema::Join::Reader j) {
  ports::certificate_names names{
      std::string{node_user_prefix} + args_->node, {std::string{node_organization}}, {}, false};
  auto signed_pem = args_->parts.pki.sign_request(args_->parts.authority, text_of(j.getCsrPem()), names,
                                                  args_->parts.certificate_days);
  if (!signed_pem)
    return ctx().log.warning(
        args_->path, "certificate of node " + args_->node + " is not renewed: " + message_of(signed_pem.error()));
  ctx().log.info(args_->path, "certificate of node " + args_->node + " renewed");
  wire_.send_with([&](schema::Frame::Builder b) {
    auto out = b.initJoined();
    out.setCertificatePem(*signed_pem);
    out.setCaPem(args_->parts.authority.certificate_pem);
  });
}

// -- desired set ------------------------------------------------------------------------------------------------------

/// Looks at the newest view unless changes are under way: then once they have arrived.
void session_state::refresh() {
  if (!dirty_ || !change_.empty() || acked_ != sent_) return;
  dirty_ = false;
  auto view = args_->parts.store.current();
  auto wanted = set_->compute(*view);
  change_ = diff(held_, wanted);
  change_.revision = view->revision();
  held_.clear();
  for (const auto& [key, w] : wanted)
    held_[key] = {std::string{store::uid_of(w.object)}, store::revision_of(w.object), w.digest};
  if (interest_ != set_->interest()) {
    interest_ = set_->interest();
    if (auto sync = args_->parts.node_sync())
      self_->send(sync,
                  set_interest{args_->node, caf::actor_cast<caf::actor>(self_), {interest_.begin(), interest_.end()}});
  }
  if (!std::exchange(first_, false) && change_.empty()) return;
  wire_.send(next_desired_frame(change_));
  ++sent_;
  send_desired();
}

void session_state::send_desired() {
  while (!change_.empty() && sent_ - acked_ < limits::desired_window) {
    wire_.send(next_desired_frame(change_));
    ++sent_;
  }
}

void session_state::on_desired_ack(uint64_t count) {
  if (count <= acked_ || count > sent_) return end(errc::invalid, "a desired frame was acknowledged that was not sent");
  acked_ = count;
  send_desired();
  refresh();
}

// -- life -------------------------------------------------------------------------------------------------------------

void session_state::arm_tick() {
  auto next = live_->next_check_ms(now());
  if (phase_ != phase::up) next = std::max(now() + 1, opened_ms_ + times().connect_ms);
  self_->delayed_send(self_, std::chrono::milliseconds(next - now()), session_tick{});
}

void session_state::on_tick() {
  if (phase_ != phase::up && now() - opened_ms_ >= times().connect_ms)
    return end(errc::timed_out, "no hello within " + std::to_string(times().connect_ms) + " ms");
  switch (live_->check(now())) {
    case liveness::action::dead:
      return end(errc::timed_out,
                 "nothing heard for " + std::to_string(times().half_open_ms) + " ms: the connection is half-open");
    case liveness::action::ping:
      wire_.ping(static_cast<uint64_t>(now()));
      live_->pinged(now());
      break;
    case liveness::action::none:
      break;
  }
  arm_tick();
}

void session_state::end(errc code, const std::string& why, uint32_t retry_after_ms) {
  if (phase_ == phase::over) return;
  phase_ = phase::over;
  ctx().log.info(args_->path, "session of node " + args_->node + " ends: " + why);
  if (code == errc::none)
    wire_.close();
  else
    wire_.goodbye(code, why, retry_after_ms);
  self_->quit();
}

}  // namespace skerry::link
