#include "actors/link/island_link.hpp"

#include <caf/send.hpp>

#include "actors/link/join.hpp"
#include "schema/json.hpp"

namespace skerry::link {
namespace {
constexpr uint32_t protocol = 1;
using std::chrono::milliseconds;
}  // namespace

caf::behavior island_link(base::stateful<island_link_state>* self, island_link_args args) {
  return self->state.make(std::move(args));
}

caf::behavior island_link_state::make(island_link_args args) {
  args_ = std::make_unique<island_link_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  boot_ = args_->ctx.random.next();
  const auto& island = args_->links.island();
  bool controller = paths::kind_of(island) == paths::island_kind::controller;
  renewal_ =
      std::make_unique<renewal>(controller ? args_->pki : nullptr, names_of_controller(paths::name_of_island(island)),
                                args_->renew_before_ms, args_->on_renewed);
  connect();
  if (args_->parent) self_->send(args_->parent, base::ready{args_->path});
  return {
      [this](const wire_frames& m) { on_frames(m); },
      [this](const wire_end& m) {
        if (m.generation != generation_ || phase_ == phase::waiting) return;
        fail(m.why ? m.why : make_error(errc::unavailable, "the cloud closed the connection"));
      },
      [this](const island_connected& m) { on_connected(m); },
      [this](const island_link_tick& m) {
        if (m.generation == generation_ && wire_) on_tick();
      },
      [this](const island_link_retry& m) {
        if (m.generation == generation_) connect();
      },
  };
}

void island_link_state::connect() {
  auto generation = ++generation_;
  phase_ = phase::connecting;
  auto weak = caf::actor_cast<caf::weak_actor_ptr>(self_);
  args_->transport.connect(
      args_->address, args_->credentials, args_->times.connect_ms,
      [weak, generation](caf::expected<ports::connection_ptr> c) {
        if (auto strong = weak.lock())
          caf::anon_send(caf::actor_cast<caf::actor>(strong), island_connected{generation, std::move(c)});
      });
}

void island_link_state::on_connected(const island_connected& m) {
  if (m.generation != generation_ || phase_ != phase::connecting) return;
  if (!m.connection) return fail(m.connection.error());
  wire_ = wire{*m.connection, caf::actor_cast<caf::actor>(self_), generation_};
  phase_ = phase::greeting;
  greeted_ms_ = now();
  live_.emplace(now(), true, args_->times.ping_ms, args_->times.half_open_ms);
  arm_tick();
  wire_.send_with([&](schema::Frame::Builder b) {
    auto h = b.initHello();
    h.setProtocol(protocol);
    h.setVersion(args_->version);
    h.setBoot(boot_);
    h.setIsland(args_->links.island());
  });
}

void island_link_state::on_frames(const wire_frames& m) {
  if (m.generation != generation_ || !wire_) return;
  live_->heard(now());
  std::vector<frame> frames;
  auto broken = wire_.take(m, frames);
  for (const auto& f : frames) {
    if (m.generation != generation_ || !wire_) return;
    try {
      on_frame(f);
    } catch (const kj::Exception& e) {
      return fail(
          make_error(errc::corrupt, std::string{"a frame of the cloud does not parse: "} + e.getDescription().cStr()));
    }
  }
  if (broken && m.generation == generation_ && wire_) fail(broken);
}

void island_link_state::on_frame(const frame& f) {
  auto r = *f;
  if (r.isWelcome() && phase_ == phase::greeting) return on_welcome();
  if (r.isPing()) return wire_.pong(r.getPing());
  if (r.isJoined() && phase_ == phase::up) return on_joined(r.getJoined());
  if (!r.isGoodbye()) return;
  auto g = r.getGoodbye();
  auto code = g.getCode() <= static_cast<uint16_t>(errc::internal) ? static_cast<errc>(g.getCode()) : errc::unavailable;
  auto text = g.getMessage();
  fail(make_error(code == errc::none ? errc::unavailable : code,
                  "the cloud said goodbye: " + std::string{text.begin(), text.size()}),
       g.getRetryAfterMs());
}

void island_link_state::on_welcome() {
  auto end = args_->links.open(paths::cloud, wire_.connection());
  if (!end) return fail(end.error());
  phase_ = phase::up;
  backoff_.reset();
  last_error_.clear();
  args_->ctx.log.info(args_->path, "joined the cloud at " + args_->address + " as " + args_->links.island());
  wire_.carry(*end);
  renew_if_due();
}

void island_link_state::renew_if_due() {
  if (phase_ != phase::up) return;
  auto request = renewal_->due(args_->credentials, args_->ctx.clock.wall_ms());
  if (!request) return args_->ctx.log.error(args_->path, "certificate renewal: " + message_of(request.error()));
  if (request->empty()) return;
  wire_.send_with([&](schema::Frame::Builder b) {
    auto j = b.initJoin();
    j.setNodeName(args_->links.island());
    j.setCsrPem(*request);
  });
}

void island_link_state::on_joined(schema::Joined::Reader j) {
  auto ends = renewal_->take(j, args_->credentials);
  if (ends) return args_->ctx.log.info(args_->path, "certificate renewed, good until " + format_time(*ends));
  if (code_of(ends.error()) == errc::conflict) return fail(ends.error());
  args_->ctx.log.error(args_->path, message_of(ends.error()));
}

void island_link_state::arm_tick() {
  auto next = live_->next_check_ms(now());
  if (phase_ == phase::greeting) next = std::min(next, std::max(now() + 1, greeted_ms_ + args_->times.connect_ms));
  self_->delayed_send(self_, milliseconds(next - now()), island_link_tick{generation_});
}

void island_link_state::on_tick() {
  if (phase_ == phase::greeting && now() - greeted_ms_ >= args_->times.connect_ms)
    return fail(make_error(errc::timed_out, "the cloud did not answer hello in time"));
  switch (live_->check(now())) {
    case liveness::action::dead:
      return fail(make_error(errc::timed_out, "nothing heard from the cloud: the connection is half-open"));
    case liveness::action::ping:
      if (phase_ == phase::up) wire_.ping(static_cast<uint64_t>(now()));
      live_->pinged(now());
      renew_if_due();
      break;
    case liveness::action::none:
      break;
  }
  arm_tick();
}

void island_link_state::fail(const caf::error& why, uint32_t retry_after_ms) {
  auto text = message_of(why);
  auto was_up = phase_ == phase::up;
  phase_ = phase::waiting;
  wire_ = wire{};
  renewal_->reset();
  auto wait = backoff_.next_ms(args_->ctx.random, retry_after_ms);
  if (was_up || text != last_error_)  // said once for each reason, not for each try
    args_->ctx.log.warning(args_->path, text + "; trying again, next in " + std::to_string(wait) + " ms");
  last_error_ = std::move(text);
  self_->delayed_send(self_, milliseconds(wait), island_link_retry{++generation_});
}

}  // namespace skerry::link
