#include "actors/api/object_feed.hpp"

#include <chrono>

#include "schema/feed_limits.hpp"

namespace skerry::api {
namespace {
struct feed_tick {
  uint64_t generation;
};
constexpr std::chrono::seconds subscribe_deadline{10};
}  // namespace
}  // namespace skerry::api
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::feed_tick)

namespace skerry::api {

caf::behavior object_feed_state::make(const parts& p, std::string path, feed_request request) {
  base::prepare(self_, p.ctx, std::move(path));
  parts_ = &p;
  core_ = std::make_unique<feed_core>(std::move(request));
  idle_since_ms_ = p.ctx.clock.steady_ms();
  self_->set_down_handler([this](const caf::down_msg&) { end(make_error(errc::unavailable, "the store ended")); });
  open();
  return {
      [this](const store::events& e) { on_events(e); },
      [this](const letter<schema::NextObjects>& n) { return on_next((*n).getHave(), false); },
      [this](const feed_next& n) { return on_next(n.have, true); },
      [this](const store::lost& l) { end(make_error(errc::expired, message_of(l.why))); },
      [this](const feed_tick& t) {
        if (t.generation == tick_) on_tick();
      },
  };
}

object_feed_state::~object_feed_state() {
  if (asked_) asked_->promise.deliver(make_error(errc::unavailable, "the feed ended"));
}

void object_feed_state::open() {
  auto store = parts_->store();
  auto view = parts_->reader.current();
  if (!store || !view) return end(make_error(errc::unavailable, "the store is starting; try again"));
  auto after = core_->begin(std::move(view));
  if (!after) return end(std::move(after.error()));
  self_->monitor(store);
  self_->request(store, subscribe_deadline, store::subscribe{{core_->request().info->id}, *after, caf::actor{self_}})
      .then([](const store::subscribed&) {}, [this](const caf::error& e) { end(e); });
  on_tick();
}

caf::response_promise object_feed_state::on_next(uint64_t have, bool local) {
  auto promise = self_->make_response_promise();
  auto now = parts_->ctx.clock.steady_ms();
  idle_since_ms_ = now;
  if (over_) {
    promise.deliver(over_);
    self_->quit();
    return promise;
  }
  // The reader that asks again has given up on its older question.
  if (asked_) asked_->promise.deliver(make_error(errc::cancelled, "asked anew"));
  asked_ = asked{promise, have, local, now + static_cast<int64_t>(limits::feed_wait_ms)};
  if (core_->ready() || core_->again(have)) answer();
  return promise;
}

void object_feed_state::on_events(const store::events& e) {
  if (over_) return;
  if (auto why = core_->take(e)) return end(std::move(why));
  if (asked_ && core_->ready()) answer();
}

void object_feed_state::answer() {
  auto a = std::move(*asked_);
  asked_.reset();
  auto b = core_->next(a.have);
  if (!b) return a.promise.deliver(b.error());
  if (a.local) return a.promise.deliver(std::move(*b));
  auto l = to_letter(*b);
  if (l.bytes().size() <= limits::answer_bytes_max) return a.promise.deliver(std::move(l));
  // One object alone, or it would not be so large.
  a.promise.deliver(
      make_error(errc::too_large, store::to_string(store::key_of(b->changes[0].object)) +
                                      " is too large to cross a link: " + std::to_string(l.bytes().size()) + " bytes"));
}

void object_feed_state::on_tick() {
  auto now = parts_->ctx.clock.steady_ms();
  if (asked_ && now >= asked_->until_ms) answer();
  if (now - idle_since_ms_ >= static_cast<int64_t>(limits::feed_idle_ms)) return self_->quit();
  self_->delayed_send(self_, std::chrono::milliseconds{limits::feed_wait_ms / 4}, feed_tick{++tick_});
}

void object_feed_state::end(caf::error why) {
  if (over_) return;
  over_ = std::move(why);
  if (!asked_) return on_tick();  // kept for who asks next, for as long as a feed is kept
  asked_->promise.deliver(over_);
  self_->quit();
}

caf::behavior object_feed(base::stateful<object_feed_state>* self, const parts* p, std::string path,
                          feed_request request) {
  return self->state.make(*p, std::move(path), std::move(request));
}

}  // namespace skerry::api
