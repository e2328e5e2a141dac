#include "actors/api/watch_stream.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace skerry::api {
namespace {

void append(ports::http_body& to, ports::http_body&& pieces) {
  if (to.empty()) {
    to = std::move(pieces);
    return;
  }
  for (auto& piece : pieces) to.push_back(std::move(piece));
}

}  // namespace

watch_stream::watch_stream(const parts& p, watch_request r, ports::http_exchange_ptr exchange, uint64_t id)
    : parts_(p), core_(std::move(r)), exchange_(std::move(exchange)), id_(id) {
  auto now = p.ctx.clock.steady_ms();
  auto seconds =
      request().timeout_s > 0 ? request().timeout_s : 1800 + static_cast<int64_t>(p.ctx.random.next() % 1800);
  end_ms = now + seconds * 1000;
  bookmark_ms = now + bookmark_every_ms;
  revision = request().after.value_or(0);
}

void watch_stream::begin(const caf::actor& hub) {
  if (begun_) return;
  begun_ = true;
  // The weak address: a connection must not keep a hub alive that has ended.
  exchange_->start_stream(200, "application/json", [address = hub->address(), id = id_] {
    if (auto to = caf::actor_cast<caf::actor>(address)) caf::anon_send(to, watch_closed{id});
  });
}

bool watch_stream::present(const store::view& v) {
  revision = v.revision();
  auto now = parts_.ctx.clock.wall_ms();
  ports::http_body together;
  request().selected.scan(v, *request().info, {}, [&](const store::object& o) {
    append(together, core_.frame(watch_change::added, o, now));
    return true;
  });
  if (!exchange_->write(std::move(together))) return false;
  return !request().initial_mark || bookmark(revision, true);
}

bool watch_stream::catch_up(const store::events& e) {
  auto now = shows_age() ? parts_.ctx.clock.wall_ms() : 0;
  for (const auto& one : *e.batch) {
    if (one.revision <= revision) continue;
    if (auto what = core_.effect_of(one); what != watch_change::none) append(waiting_, core_.frame(what, one.now, now));
  }
  revision = std::max(revision, e.revision);
  return send();
}

bool watch_stream::bookmark(uint64_t at, bool initial_end) { return exchange_->write(core_.bookmark(at, initial_end)); }

void watch_stream::add(watch_change what, const store::object& o, int64_t now_ms,
                       std::shared_ptr<const std::string>& shared) {
  if (request().how.what != form::object) return append(waiting_, core_.frame(what, o, now_ms));
  if (!shared) shared = object_frame(what, o);
  waiting_.emplace_back(shared);
}

bool watch_stream::send() {
  if (waiting_.empty()) return true;
  return exchange_->write(std::exchange(waiting_, {}));
}

}  // namespace skerry::api
