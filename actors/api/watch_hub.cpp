#include "actors/api/watch_hub.hpp"

#include "actors/base/pool.hpp"

namespace skerry::api {
namespace {
struct hub_tick {};
constexpr std::chrono::seconds tick{1};
constexpr std::chrono::seconds deadline{10};
constexpr size_t recent_events_max = 1'024;
constexpr size_t recent_batches_max = 256;

void refuse(watch_stream& s, const failure& why) {
  s.fail(why);
  s.end();
}
}  // namespace
}  // namespace skerry::api
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::hub_tick)

namespace skerry::api {

caf::behavior watch_hub_state::make(const parts& p, std::string path, const kube::resource_info& info) {
  base::prepare(self_, p.ctx, path);
  parts_ = &p;
  path_ = std::move(path);
  info_ = &info;
  // Without the store there are no more changes: end, so that the clients ask again.
  self_->set_down_handler([this](const caf::down_msg& m) {
    if (subscribed_at_ && m.source == subscribed_at_.address()) end_all(std::nullopt);
  });
  return {
      [this](const store::events& e) { on_events(e); },
      [this](const open_watch& m) { on_open(m); },
      [this](const adopt_watch& m) { adopt(m.stream); },
      [this](const watch_closed& m) { drop(m.id); },
      [this](const store::lost& l) { end_all(watch_failure(l.why, *info_)); },
      [this](const hub_tick&) { on_tick(); },
  };
}

void watch_hub_state::on_open(const open_watch& m) {
  auto s = std::make_shared<watch_stream>(*parts_, std::move(*m.request), m.exchange, ++last_id_);
  s->begin(caf::actor{self_});
  if (!subscribed_at_ && !subscribe()) return refuse(*s, unavailable("the store is starting; try again"));
  if (!s->request().after) return start(s, true);
  // One from the future is told so by the store.
  if (!reaches(s->revision) || s->revision > parts_->reader.current()->revision()) return start(s, false);
  adopt(s);
}

/// Lets an actor of its own bring `s` to the present.
void watch_hub_state::start(const watch_stream_ptr& s, bool present) {
  auto pool = parts_->watches();
  if (!pool) return refuse(*s, unavailable("the API is starting; try again"));
  base::start_child child;
  child.id = info_->id + "@" + std::to_string(self_->id()) + "-" + std::to_string(++last_id_);
  child.when = base::restart::temporary;
  child.start = [parts = parts_, path = path_ + "@" + std::to_string(s->id()), hub = caf::actor{self_}, s,
                 present](caf::event_based_actor* parent) {
    return parent->spawn(watch_start, parts, path, hub, s, present);
  };
  self_->request(pool, deadline, std::move(child))
      .then([](const caf::actor&) {},
            [s](const caf::error& e) { refuse(*s, unavailable("cannot start a watch: " + message_of(e))); });
}

/// Takes a watch that has all up to its revision.
void watch_hub_state::adopt(const watch_stream_ptr& s) {
  if (!subscribed_at_ && !subscribe()) return refuse(*s, unavailable("the store is starting; try again"));
  if (!reaches(s->revision)) return start(s, false);
  for (const auto& e : recent_)
    if (e.revision > s->revision && !s->catch_up(e)) return;
  if (!s->alive()) return;  // its client went while nobody here knew it
  const auto& selected = s->request().selected;
  by_place_[{selected.ns, selected.name}].push_back(s.get());
  watches_.emplace(s->id(), s);
}

/// From now on; those that want more come by way of a starter.
bool watch_hub_state::subscribe() {
  subscribed_at_ = parts_->store();
  if (!subscribed_at_) return false;
  floor_ = position_ = parts_->reader.current()->revision();
  recent_.clear();
  recent_events_ = 0;
  self_->monitor(subscribed_at_);
  self_->request(subscribed_at_, deadline, store::subscribe{{info_->id}, floor_, caf::actor{self_}})
      .then([](const store::subscribed&) {},
            [this, at = subscribed_at_](const caf::error& e) {
              if (subscribed_at_ == at) end_all(watch_failure(e, *info_));
            });
  tick_later();
  return true;
}

void watch_hub_state::on_events(const store::events& e) {
  if (!subscribed_at_ || e.revision <= position_) return;
  std::shared_ptr<const std::string> shared[4];
  for (const auto& one : *e.batch) {
    if (store::resource_of(one.now) != info_->id) continue;
    for (auto& s : shared) s.reset();
    std::string ns{store::namespace_of(one.now)}, name{store::name_of(one.now)};
    collect(one, {"", ""}, shared);
    collect(one, {"", name}, shared);
    if (ns.empty()) continue;
    collect(one, {ns, ""}, shared);
    collect(one, {ns, name}, shared);
  }
  position_ = e.revision;
  remember(e);
  send_all();
}

void watch_hub_state::collect(const store::event& e, const place& at, std::shared_ptr<const std::string> (&shared)[4]) {
  auto found = by_place_.find(at);
  if (found == by_place_.end()) return;
  for (auto* s : found->second) {
    if (e.revision <= s->revision) continue;
    auto what = s->effect_of(e);
    if (what == watch_change::none) continue;
    if (!s->added()) touched_.push_back(s);
    auto now = s->shows_age() ? parts_->ctx.clock.wall_ms() : 0;
    s->add(what, e.now, now, shared[static_cast<size_t>(what)]);
  }
}

void watch_hub_state::send_all() {
  for (auto* s : touched_)
    if (!s->send()) drop(s->id());  // too slow, or gone: the exchange has closed itself
  touched_.clear();
}

void watch_hub_state::remember(const store::events& e) {
  recent_.push_back(e);
  recent_events_ += e.batch->size();
  while (recent_.size() > recent_batches_max || recent_events_ > recent_events_max) {
    recent_events_ -= recent_.front().batch->size();
    floor_ = recent_.front().revision;
    recent_.pop_front();
  }
}

void watch_hub_state::tick_later() {
  if (std::exchange(ticking_, true)) return;
  self_->delayed_send(self_, tick, hub_tick{});
}

void watch_hub_state::on_tick() {
  ticking_ = false;
  auto now = parts_->ctx.clock.steady_ms();
  std::vector<uint64_t> over;
  for (auto& [id, s] : watches_) {
    bool ends = now >= s->end_ms, good = true;
    if (s->request().bookmarks && (ends || now >= s->bookmark_ms)) {
      s->bookmark_ms = now + watch_stream::bookmark_every_ms;
      good = s->bookmark(std::max(position_, s->revision));
    }
    if (ends || !good) over.push_back(id);
  }
  for (auto id : over) drop(id);
  if (!watches_.empty()) return tick_later();
  if (auto store = std::exchange(subscribed_at_, nullptr)) {
    self_->demonitor(store);
    self_->send(store, store::unsubscribe{caf::actor{self_}});
  }
}

void watch_hub_state::drop(uint64_t id) {
  auto found = watches_.find(id);
  if (found == watches_.end()) return;
  const auto& selected = found->second->request().selected;
  auto i = by_place_.find({selected.ns, selected.name});
  std::erase(i->second, found->second.get());
  if (i->second.empty()) by_place_.erase(i);
  found->second->end();
  watches_.erase(found);
}

void watch_hub_state::end_all(const std::optional<failure>& why) {
  for (auto& [id, s] : watches_) {
    if (why) s->fail(*why);
    s->end();
  }
  watches_.clear();
  by_place_.clear();
  touched_.clear();
  subscribed_at_ = nullptr;
}

caf::behavior watch_hub(base::stateful<watch_hub_state>* self, const parts* p, std::string path,
                        const kube::resource_info* info) {
  return self->state.make(*p, std::move(path), *info);
}

}  // namespace skerry::api
