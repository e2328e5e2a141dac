#include "actors/link/island_session.hpp"

#include <algorithm>

#include "actors/link/join.hpp"

namespace skerry::link {
namespace {

constexpr uint32_t protocol = 1;
constexpr auto hub_timeout = std::chrono::seconds(5);

bool belongs_to(const ports::peer_identity& peer, std::string_view organization) {
  return std::find(peer.organizations.begin(), peer.organizations.end(), organization) != peer.organizations.end();
}

}  // namespace

bool is_island_peer(const ports::peer_identity& peer) {
  return belongs_to(peer, masters_organization) || !controller_of_peer(peer).empty();
}

caf::error may_be_island(const ports::peer_identity& peer, std::string_view island) {
  auto kind = paths::kind_of(island);
  if (paths::check(island) || paths::island_of(island) != island ||
      (kind != paths::island_kind::controller && kind != paths::island_kind::repl))
    return make_error(errc::invalid, "'" + std::string{island} + "' is not /controller/<name> or /repl/<id>");
  if (belongs_to(peer, masters_organization)) return {};
  if (kind == paths::island_kind::controller && paths::name_of_island(island) == controller_of_peer(peer)) return {};
  return make_error(errc::forbidden,
                    "the certificate of " + peer.common_name + " is not one for " + std::string{island});
}

caf::behavior island_session(base::stateful<island_session_state>* self, island_session_args args) {
  return self->state.make(std::move(args));
}

caf::behavior island_session_state::make(island_session_args args) {
  args_ = std::make_unique<island_session_args>(std::move(args));
  base::prepare(self_, args_->parts.ctx, args_->path);
  self_->set_down_handler(
      [this](caf::scheduled_actor*, caf::down_msg&) { end(errc::unavailable, "the cloud's link restarts", 1000); });
  self_->monitor(args_->hub);
  const auto& times = args_->parts.times;
  opened_ms_ = now();
  live_.emplace(now(), false, times.ping_ms + times.ping_ms / 2, times.half_open_ms);
  wire_ = wire{std::move(args_->connection), caf::actor_cast<caf::actor>(self_), args_->id};
  self_->delayed_send(self_, std::chrono::milliseconds(times.connect_ms), island_session_tick{});
  return {
      [this](const wire_frames& m) { on_frames(m); },
      [this](const wire_end&) {
        over_ = true;
        self_->quit();
      },
      [this](const superseded&) { end(errc::conflict, "a newer link of " + island_ + " took over", 5'000); },
      [this](const island_session_tick&) {
        if (!over_) on_tick();
      },
  };
}

void island_session_state::on_frames(const wire_frames& m) {
  if (over_) return;
  std::vector<frame> frames;
  auto broken = wire_.take(m, frames);
  live_->heard(now());
  for (const auto& f : frames) {
    if (over_) return;
    try {
      on_frame(f);
    } catch (const kj::Exception& e) {
      return end(errc::corrupt, std::string{"a frame does not parse: "} + e.getDescription().cStr());
    }
  }
  if (broken && !over_) end(code_of(broken), message_of(broken));
}

void island_session_state::on_frame(const frame& f) {
  auto r = *f;
  switch (r.which()) {
    case schema::Frame::HELLO:
      if (island_.empty()) return on_hello(r.getHello());
      return end(errc::invalid, "hello was said twice");
    case schema::Frame::JOIN:
      if (up_) return on_renewal(r.getJoin());
      return end(errc::invalid, "a certificate is asked for before hello");
    case schema::Frame::PING:
      return wire_.pong(r.getPing());
    case schema::Frame::GOODBYE:
      return end(errc::none, "it said goodbye");
    default:
      return;
  }
}

void island_session_state::on_hello(schema::Hello::Reader h) {
  auto island = h.getIsland();
  std::string path{island.begin(), island.size()};
  if (h.getProtocol() != protocol)
    return end(errc::unsupported, "use the same version of skerry on both sides", 60'000);
  if (args_->parts.links == nullptr) return end(errc::unsupported, "this cloud takes no letters", 60'000);
  if (auto e = may_be_island(wire_.peer(), path)) return end(code_of(e), message_of(e), 60'000);
  island_ = path;
  auto version = h.getVersion();
  self_->request(args_->hub, hub_timeout, session_up{island_, args_->id, {version.begin(), version.size()}})
      .then([this] { welcome(); },
            [this](const caf::error& e) { end(errc::unavailable, "not ready: " + message_of(e), 1000); });
}

void island_session_state::welcome() {
  if (over_) return;
  wire_.send_with([&](schema::Frame::Builder b) {
    auto w = b.initWelcome();
    w.setLeaseMs(limits::lease_ms);
    w.setCluster(args_->parts.cluster);
  });
  auto end = args_->parts.links->open(island_, wire_.connection());
  if (!end) return this->end(code_of(end.error()), message_of(end.error()));
  wire_.carry(*end);
  up_ = true;
  args_->parts.ctx.log.info(args_->path, island_ + " joined from " + wire_.peer().address);
}

/// A new certificate for the controller that the present one speaks for: no token, the session is proof enough.
void island_session_state::on_renewal(schema::Join::Reader j) {
  const auto& parts = args_->parts;
  std::string controller{controller_of_peer(wire_.peer())};
  if (controller.empty())
    return parts.ctx.log.warning(args_->path, island_ + " joined as an administrator: its certificate is not renewed");
  auto csr = j.getCsrPem();
  auto signed_pem = parts.pki.sign_request(parts.authority, {csr.begin(), csr.size()}, names_of_controller(controller),
                                           parts.certificate_days);
  if (!signed_pem)
    return parts.ctx.log.warning(
        args_->path, "certificate of controller " + controller + " is not renewed: " + message_of(signed_pem.error()));
  parts.ctx.log.info(args_->path, "certificate of controller " + controller + " renewed");
  wire_.send_with([&](schema::Frame::Builder b) {
    auto out = b.initJoined();
    out.setCertificatePem(*signed_pem);
    out.setCaPem(parts.authority.certificate_pem);
  });
}

void island_session_state::on_tick() {
  if (!up_ && now() - opened_ms_ >= args_->parts.times.connect_ms) return end(errc::timed_out, "no hello in time");
  switch (live_->check(now())) {
    case liveness::action::dead:
      return end(errc::timed_out, "nothing heard of " + island_ + ": the connection is half-open");
    case liveness::action::ping:
      wire_.ping(static_cast<uint64_t>(now()));
      live_->pinged(now());
      break;
    case liveness::action::none:
      break;
  }
  self_->delayed_send(self_, std::chrono::milliseconds(live_->next_check_ms(now()) - now()), island_session_tick{});
}

void island_session_state::end(errc code, const std::string& why, uint32_t retry_after_ms) {
  if (std::exchange(over_, true)) return;
  args_->parts.ctx.log.info(args_->path,
                            "the link of " + (island_.empty() ? wire_.peer().address : island_) + " ends: " + why);
  if (code == errc::none)
    wire_.close();
  else
    wire_.goodbye(code, why, retry_after_ms);
  self_->quit();
}

}  // namespace skerry::link
