#include "actors/sdk/leader.hpp"

namespace skerry::sdk {

leader::leader(caf::event_based_actor* self, const context& ctx, const objects& store, leader_args args)
    : self_(self),
      ctx_(ctx),
      store_(store),
      args_(std::move(args)),
      core_(args_.identity, args_.times),
      key_{"leases.coordination.k8s.io", args_.ns, args_.name},
      timer_(self),
      deadline_(self) {}

void leader::start(handlers h) {
  handlers_ = std::move(h);
  turn();
}

/// One try: look, and write if the rules allow it. A leader need not look: what it last wrote is what is there, or its
/// write is refused.
void leader::turn() {
  if (released_) return;
  settle();
  if (leading_ && !lease_.is_null())
    if (auto r = core_.attempt(ctx_.clock.steady_ms(), ctx_.clock.wall_ms())) return write(*r);
  store_.get(key_, [this](caf::expected<object> o) { took(o); });
}

void leader::took(const caf::expected<object>& o) {
  if (released_) return;
  auto now = ctx_.clock.steady_ms();
  if (o) {
    lease_ = store::parse(*o);
    core_.observe(read_lease(lease_), now);
  } else if (code_of(o.error()) == errc::not_found) {
    lease_ = nullptr;
    core_.absent();
  } else {
    ctx_.log.info("leader", store::to_string(key_) + ": " + message_of(o.error()));
    return later();
  }
  settle();
  if (auto r = core_.attempt(now, ctx_.clock.wall_ms())) return write(*r);
  later();
}

void leader::write(const lease_record& r) {
  auto asked = ctx_.clock.steady_ms();
  auto done = [this, r, asked](caf::expected<object> o) {
    if (o) {
      lease_ = store::parse(*o);
      core_.won(r, asked);
      settle();
      return later();
    }
    ctx_.log.debug("leader", store::to_string(key_) + ": " + message_of(o.error()));
    // Somebody else wrote, or it is not known what happened: look before the next write.
    lease_ = nullptr;
    if (code_of(o.error()) != errc::conflict && code_of(o.error()) != errc::already_exists) return later();
    timer_.arm(args_.times.retry_ms / 4, [this] { store_.get(key_, [this](caf::expected<object> x) { took(x); }); });
  };
  if (!lease_.is_null()) return store_.update(key_, write_lease(lease_, r), std::move(done));
  json::value fresh = json::object{{"apiVersion", "coordination.k8s.io/v1"},
                                   {"kind", "Lease"},
                                   {"metadata", json::object{{"name", args_.name}, {"namespace", args_.ns}}}};
  store_.create(key_.resource, write_lease(std::move(fresh), r), std::move(done));
}

void leader::later() {
  if (released_) return;
  // Jitter of a fifth, so that those who wait do not come together (client-go: JitterFactor 1.2).
  auto spread = args_.times.retry_ms / 5;
  auto ms = args_.times.retry_ms + (spread > 0 ? static_cast<uint32_t>(ctx_.random.next() % spread) : 0);
  timer_.arm(ms, [this] { turn(); });
}

/// Tells what became of it.
void leader::settle() {
  auto now = ctx_.clock.steady_ms();
  bool leads = core_.leads(now) && !released_;
  if (const auto& who = core_.seen().holder; who != told_) {
    told_ = who;
    if (!who.empty() && handlers_.changed) handlers_.changed(who);
  }
  if (leads) {
    // Whatever becomes of the next try: at this time it is over unless that succeeded.
    deadline_.arm(static_cast<uint32_t>(core_.leads_for_ms(now)), [this] { settle(); });
  }
  if (leads == leading_) return;
  leading_ = leads;
  ctx_.log.info("leader", args_.identity + (leads ? " leads " : " no longer leads ") + store::to_string(key_));
  if (leads && handlers_.started) handlers_.started();
  if (!leads && handlers_.stopped) handlers_.stopped();
}

void leader::release() {
  if (std::exchange(released_, true)) return;
  timer_.disarm();
  bool led = leading_;
  settle();
  if (led && !lease_.is_null())
    store_.update(key_, write_lease(lease_, core_.released(ctx_.clock.wall_ms())), [](const caf::expected<object>&) {});
}

}  // namespace skerry::sdk
