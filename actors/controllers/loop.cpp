#include "actors/controllers/loop.hpp"

#include <algorithm>
#include <chrono>

#include "schema/error.hpp"

namespace skerry::controllers {

namespace {
constexpr size_t keys_per_turn = 16;     ///< then other actors of this thread get theirs
constexpr int64_t view_wait_ms = 2;      ///< for a view that is about to be published
constexpr int64_t tick_ms_max = 60'000;  ///< timers cannot be cancelled: none far ahead
constexpr uint32_t failures_warned = 6;  ///< conflicts are daily business, as many in a row are not
using std::chrono::milliseconds;
}  // namespace

loop::loop(base::actor* self, const controller_args& args, loop_spec spec)
    : self_(self),
      args_(args),
      spec_(std::move(spec)),
      marker_([this](const store::object_key& k) { queue_.mark(k); }) {
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) {
    if (store_ && down.source == store_.address()) lost("the store ended");
  });
}

caf::message_handler loop::handlers() {
  return {
      [this](const store::events& e) { on_events(e); },
      [this](const store::lost& l) { lost(message_of(l.why)); },
      [this](loop_messages::work) {
        work_sent_ = false;
        run();
      },
      [this](const loop_messages::tick& t) {
        if (t.generation != tick_generation_) return;
        tick_at_ms_ = 0;
        run();
      },
      [this](const loop_messages::reconnect& r) {
        if (r.generation == connection_) connect();
      },
  };
}

void loop::start() { connect(); }

void loop::mark(const store::object_key& k) {
  queue_.mark(k);
  schedule_work();
}

// -- following the store ----------------------------------------------------------------------------------------------

void loop::connect() {
  ++connection_;
  following_ = false;
  store_ = args_.store();
  auto v = store_ ? args_.reader.current() : nullptr;
  if (!v) return connect_later();
  self_->monitor(store_);
  subscribe(*v);
}

void loop::subscribe(const store::view& v) {
  // Everything up to this revision is taken from the view, everything after it from events: nothing is missed between.
  seen_ = v.revision();
  queue_.clear();
  spec_.reset(v, marker_);
  resync_at_ms_ = args_.ctx.clock.steady_ms() + spec_.resync_ms;
  auto generation = connection_;
  self_
      ->request(store_, milliseconds{commit_timeout_ms},
                store::subscribe{spec_.resources, v.revision(), caf::actor_cast<caf::actor>(self_)})
      .then(
          [this, generation](const store::subscribed&) {
            if (generation != connection_) return;
            following_ = true;
            reconnect_ms_ = reconnect_ms_min;
            schedule_work();
          },
          [this, generation](const caf::error& e) {
            if (generation == connection_) lost(message_of(e));
          });
}

void loop::lost(const std::string& why) {
  args_.ctx.log.info(spec_.path, "no longer follows the store (" + why + "), connects anew");
  if (store_) self_->demonitor(store_.address());
  store_ = nullptr;
  ++connection_;
  following_ = false;
  connect_later();
}

void loop::connect_later() {
  self_->delayed_send(self_, milliseconds{reconnect_ms_}, loop_messages::reconnect{connection_});
  reconnect_ms_ = std::min(reconnect_ms_ * 2, reconnect_ms_max);
}

void loop::on_events(const store::events& e) {
  if (!store_ || e.revision <= seen_ || !e.batch) return;
  auto v = args_.reader.current();
  for (const auto& event : *e.batch) {
    if (event.revision <= seen_) continue;
    auto resource = store::resource_of(event.now);
    const auto& mine = spec_.resources;
    if (mine.empty() || std::find(mine.begin(), mine.end(), resource) != mine.end()) spec_.observe(*v, event, marker_);
  }
  seen_ = e.revision;
  schedule_work();
}

// -- the work ---------------------------------------------------------------------------------------------------------

void loop::schedule_work() {
  if (work_sent_ || !following_) return;
  if (!queue_.has_dirty()) return arm();
  work_sent_ = true;
  self_->send(self_, loop_messages::work{});
}

void loop::arm() {
  auto now = args_.ctx.clock.steady_ms();
  auto at = now + tick_ms_max;
  if (auto due = queue_.next_due()) at = std::min(at, *due);
  if (spec_.resync_ms > 0) at = std::min(at, resync_at_ms_);
  at = std::max(at, now + 1);
  if (tick_at_ms_ != 0 && tick_at_ms_ <= at) return;
  tick_at_ms_ = at;
  self_->delayed_send(self_, milliseconds{at - now}, loop_messages::tick{++tick_generation_});
}

void loop::run() {
  if (!following_) return;
  auto v = args_.reader.current();
  if (v->revision() < own_ || seen_ < own_event_) {
    // Acting on what was before the own last commit would do it twice.
    auto at = args_.ctx.clock.steady_ms() + view_wait_ms;
    if (tick_at_ms_ == 0 || tick_at_ms_ > at) {
      tick_at_ms_ = at;
      self_->delayed_send(self_, milliseconds{view_wait_ms}, loop_messages::tick{++tick_generation_});
    }
    return;
  }
  auto now = args_.ctx.clock.steady_ms();
  if (spec_.resync_ms > 0 && now >= resync_at_ms_) {
    resync_at_ms_ = now + spec_.resync_ms;
    if (spec_.resync) spec_.resync(*v, marker_);
  }
  for (size_t n = 0; n < keys_per_turn && queue_.working() < working_max; ++n) {
    auto k = queue_.take(now);
    if (!k) break;
    reconcile(*v, *k);
  }
  if (queue_.working() < working_max)
    schedule_work();
  else
    arm();
}

void loop::reconcile(const store::view& v, const store::object_key& k) {
  effects e;
  try {
    e = spec_.reconcile(v, k, moment{args_.ctx.clock.wall_ms(), args_.ctx.random, queue_.failures(k)});
  } catch (const std::exception& x) {
    // One object that is not what its type says must not stop the work on all others.
    auto wait = queue_.failed(k, args_.ctx.clock.steady_ms());
    args_.ctx.log.error(spec_.path,
                        store::to_string(k) + ": " + x.what() + "; tries again in " + std::to_string(wait) + " ms");
    return;
  }
  if (e.commits.empty())
    queue_.done(k);
  else
    commit(k, std::move(e.commits));
  if (e.requeue_ms) queue_.mark_at(k, args_.ctx.clock.steady_ms() + std::max<int64_t>(1, *e.requeue_ms));
}

bool loop::concerns(const store::commit& c) const {
  if (spec_.resources.empty()) return true;
  return std::any_of(c.changes.begin(), c.changes.end(), [&](const store::change& x) {
    return std::find(spec_.resources.begin(), spec_.resources.end(), x.object.key.resource) != spec_.resources.end();
  });
}

void loop::commit(const store::object_key& k, std::vector<store::commit> commits) {
  flights_[k] = {commits.size(), {}};
  for (auto& c : commits) {
    bool comes_back = concerns(c);
    self_->request(store_, milliseconds{commit_timeout_ms}, std::move(c))
        .then(
            [this, k, comes_back](const store::committed& done) {
              own_ = std::max(own_, done.revision);
              if (comes_back) own_event_ = std::max(own_event_, done.revision);
              settle(k, {});
            },
            [this, k](const caf::error& error) { settle(k, error); });
  }
}

void loop::settle(const store::object_key& k, const caf::error& why) {
  auto f = flights_.find(k);
  if (f == flights_.end()) return;
  if (why && !f->second.first_error) f->second.first_error = why;
  if (--f->second.open > 0) return;
  auto error = std::move(f->second.first_error);
  flights_.erase(f);
  if (!error) {
    queue_.done(k);
  } else {
    auto code = code_of(error);
    bool usual = code == errc::conflict || code == errc::not_found || code == errc::already_exists;
    auto wait =
        queue_.failed(k, args_.ctx.clock.steady_ms(), usual ? work_queue::conflict_ms_max : work_queue::backoff_ms_max);
    if (!usual || queue_.failures(k) >= failures_warned)
      args_.ctx.log.warning(spec_.path, store::to_string(k) + ": " + message_of(error) + "; tries again in " +
                                            std::to_string(wait) + " ms");
  }
  schedule_work();
}

}  // namespace skerry::controllers
