#include "actors/api/watch.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace skerry::api {
namespace {
struct watch_begin {};
struct watch_tick {};
struct watch_closed {};
constexpr int64_t tick_ms_max = 30'000;
constexpr int64_t bookmark_every_ms = 60'000;
}  // namespace
}  // namespace skerry::api
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::watch_begin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::watch_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::watch_closed)

namespace skerry::api {

caf::behavior watch_state::make(const parts& p, std::string path, watch_request request,
                                ports::http_exchange_ptr exchange) {
  base::prepare(self_, p.ctx, std::move(path));
  parts_ = &p;
  exchange_ = std::move(exchange);
  auto now = p.ctx.clock.steady_ms();
  auto seconds = request.timeout_s > 0 ? request.timeout_s : 1800 + static_cast<int64_t>(p.ctx.random.next() % 1800);
  end_ms_ = now + seconds * 1000;
  bookmark_ms_ = now + bookmark_every_ms;
  core_.emplace(std::move(request));
  // Without the store there are no more changes: end, so that the client asks again.
  self_->set_down_handler([this](const caf::down_msg&) { finish(); });
  self_->send(self_, watch_begin{});
  return {
      [this](const store::events& e) { on_events(e); },
      [this](const store::lost& l) {
        if (exchange_) write(core_->error(from_error(l.why, *core_->request().info, {})));
        finish();
      },
      [this](const watch_begin&) { open(); },
      [this](const watch_tick&) { tick(); },
      [this](const watch_closed&) { self_->quit(); },
  };
}

void watch_state::open() {
  // The weak address: the connection must not keep a dead watch, nor the watch itself, alive.
  auto address = self_->address();
  exchange_->start_stream(200, "application/json", [address] {
    if (auto me = caf::actor_cast<caf::actor>(address)) caf::anon_send(me, watch_closed{});
  });
  if (core_->request().after)
    revision_ = *core_->request().after;
  else
    send_present();
  auto store = parts_->store();
  if (!store) {
    write(core_->error(unavailable("the store is starting; try again")));
    return finish();
  }
  self_->monitor(store);
  self_
      ->request(store, std::chrono::seconds{10},
                store::subscribe{{core_->request().info->id}, revision_, caf::actor{self_}})
      .then([](const store::subscribed&) {},
            [this](const caf::error& e) {
              auto f = code_of(e) == errc::expired ? expired("The resourceVersion for the provided watch is too old.")
                                                   : from_error(e, *core_->request().info, {});
              write(core_->error(f));
              finish();
            });
  tick();
}

void watch_state::send_present() {
  auto view = parts_->reader.current();
  revision_ = view->revision();
  auto now = parts_->ctx.clock.wall_ms();
  ports::http_body together;
  const auto& r = core_->request();
  r.selected.scan(*view, *r.info, {}, [&](const store::object& o) {
    if (auto frame = core_->present(o, now))
      for (auto& piece : *frame) together.push_back(std::move(piece));
    return true;
  });
  write(std::move(together));
  if (core_->request().initial_mark) write(core_->bookmark(revision_, true));
}

void watch_state::on_events(const store::events& e) {
  if (!exchange_) return;
  auto now = core_->request().how.what == form::table ? parts_->ctx.clock.wall_ms() : 0;
  ports::http_body together;
  for (const auto& one : *e.batch) {
    if (one.revision <= revision_) continue;
    if (auto frame = core_->change(one, now)) {
      if (together.empty()) {
        together = std::move(*frame);
        continue;
      }
      for (auto& piece : *frame) together.push_back(std::move(piece));
    }
  }
  revision_ = std::max(revision_, e.revision);
  if (!together.empty()) write(std::move(together));
}

void watch_state::tick() {
  if (!exchange_) return;
  auto now = parts_->ctx.clock.steady_ms();
  if (core_->request().bookmarks && (now >= bookmark_ms_ || now >= end_ms_)) {
    bookmark_ms_ = now + bookmark_every_ms;
    if (!write(core_->bookmark(revision_))) return;
  }
  if (now >= end_ms_) return finish();
  self_->delayed_send(self_, std::chrono::milliseconds{std::min(tick_ms_max, end_ms_ - now)}, watch_tick{});
}

bool watch_state::write(ports::http_body frame) {
  if (!exchange_) return false;
  if (exchange_->write(std::move(frame))) return true;
  // Too slow, or gone: the exchange has closed itself.
  finish();
  return false;
}

void watch_state::finish() {
  if (!exchange_) return;
  exchange_->end_stream();
  exchange_.reset();
  self_->quit();
}

caf::behavior watch(caf::stateful_actor<watch_state>* self, const parts* p, std::string path, watch_request request,
                    ports::http_exchange_ptr exchange) {
  return self->state.make(*p, std::move(path), std::move(request), std::move(exchange));
}

}  // namespace skerry::api
