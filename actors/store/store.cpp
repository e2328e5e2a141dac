#include "actors/store/store.hpp"

#include <algorithm>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <map>

#include "actors/store/batch_writer.hpp"
#include "actors/store/core.hpp"
#include "actors/store/crowd.hpp"
#include "actors/store/layout.hpp"

namespace skerry::store::local {

/// To itself: everything that came before this is in the batch.
struct flush {};
/// To itself: send the next part of a replay.
struct replay_step {
  caf::actor_id who;
};
/// To itself: look whether the log is to be compacted.
struct compact_tick {
  uint64_t generation;
};

}  // namespace skerry::store::local

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::local::flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::local::replay_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::store::local::compact_tick)

namespace skerry::store {

using local::compact_tick;
using local::flush;
using local::replay_step;

class store_shell {
public:
  store_shell(base::actor* self, store_args args, std::unique_ptr<core> core)
      : self_(self), args_(std::move(args)), core_(std::move(core)) {
    args_.views->publish(core_->make_view());
    arm_compaction();
  }

  ~store_shell() {
    // Who comes after this store reads what is on disk: nothing may be written behind its back.
    if (writing_) writing_->call_off();
    if (writer_) caf::anon_send_exit(writer_, caf::exit_reason::user_shutdown);
    answer_failed(make_error(errc::unavailable, "the store ended before this was answered; read whether it is there"));
  }

  caf::result<committed> take(const commit& c) {
    auto promise = self_->make_response_promise<committed>();
    auto sender = self_->current_sender();
    join(c.changes, {promise, {}, {}, committed{}}, sender ? sender->id() : 0);
    return promise;
  }

  void take(const commit_for& c) { join(c.changes, {{}, c.to, c.by, committed{}}, c.to ? c.to.id() : 0); }

  void on_flush() {
    flush_sent_ = false;
    if (writing_ || waiting_.empty()) return;  // on_written comes back to it
    if (crowd_.worth_waiting(waiting_.size()))
      flush_later();
    else
      write_batch();
  }

  void on_written() {
    auto write = std::exchange(writing_, nullptr);
    if (!write) return;
    finish(write->result());
    if (!waiting_.empty()) flush_later();
  }

  /// True if `who` was the writer: it crashed, and the batch is neither written nor not.
  bool lost_writer(caf::actor_id who) const { return writer_ && writer_.id() == who; }

  caf::result<subscribed> take(const subscribe& s) {
    auto promise = self_->make_response_promise<subscribed>();
    auto refused = refuse(s);
    if (refused) {
      promise.deliver(refused);
      return promise;
    }
    // Those of an open batch come to it as events.
    promise.deliver(subscribed{core_->revision()});
    auto id = s.who.id();
    if (!subscribers_.contains(id)) self_->monitor(s.who);
    subscribers_.insert_or_assign(id, subscriber{s.who, s.resources, s.after, false});
    advance(id);
    return promise;
  }

  void drop(const caf::actor& who) {
    if (subscribers_.erase(who.id()) > 0) self_->demonitor(who);
  }
  void forget(caf::actor_id who) { subscribers_.erase(who); }

  /// Sends a subscriber what it has not got: all of it if that is in memory, else the next part of what is on disk.
  void advance(caf::actor_id id) {
    auto i = subscribers_.find(id);
    if (i == subscribers_.end() || i->second.live) return;
    auto& s = i->second;
    if (core_->log.recalls(s.position)) {
      for (const auto& batch : core_->log.recall(s.position))
        if (wants(s, resources_in(batch))) post(s, caf::make_message(events{batch, batch->back().revision}));
      s.live = true;
      return;
    }
    auto part = replay(args_.kv, s.position, core_->revision());
    if (!part || (*part)->empty()) {
      auto why = part ? make_error(errc::corrupt, "the log on disk ends at revision " + std::to_string(s.position))
                      : part.error();
      args_.ctx.log.error(args_.path, "replay for a subscriber failed: " + message_of(why));
      post(s, caf::make_message(lost{why}));
      drop(caf::actor{s.who});
      return;
    }
    s.position = (*part)->back().revision;
    if (wants(s, resources_in(*part))) post(s, caf::make_message(events{*part, s.position}));
    self_->send(self_, replay_step{id});
  }

  void on_compact_tick(const compact_tick& t) {
    if (t.generation != generation_) return;
    armed_ = false;
    compact();
    // Seldom, for it rewrites all that is left in the range: LevelDB merges by itself where many writes make it.
    if (removed_ >= limits::log_events_max) {
      args_.kv.compact(layout::records_first, layout::record_key(core_->log.compacted()));
      removed_ = 0;
    }
    arm_compaction();
  }

private:
  /// Waits for the end of a batch: a request, or one of the commits that `to` sent for many.
  struct waiter {
    caf::typed_response_promise<committed> promise;
    caf::actor to;
    ticket_ptr by;
    caf::expected<committed> result;
  };
  struct subscriber {
    caf::actor who;
    std::vector<std::string> resources;
    uint64_t position;  // not live: all up to here is sent
    bool live;
  };

  static constexpr size_t compact_step = 2048;
  static constexpr int64_t compact_tick_ms = 30'000;

  caf::error refuse(const subscribe& s) const {
    if (!s.who) return make_error(errc::invalid, "a subscription needs an actor");
    if (s.after < core_->log.compacted())
      return make_error(errc::expired, "revision " + std::to_string(s.after) +
                                           " is compacted, the oldest to watch from is " +
                                           std::to_string(core_->log.compacted()));
    if (s.after > core_->revision())
      return make_error(errc::expired, "revision " + std::to_string(s.after) + " is not of this store, which is at " +
                                           std::to_string(core_->revision()));
    if (subscribers_.size() >= limits::subscribers_max && !subscribers_.contains(s.who.id()))
      return make_error(errc::too_many,
                        "the store has " + std::to_string(subscribers_.size()) + " subscribers, the most");
    return {};
  }

  bool full() const {
    return waiting_.size() >= limits::batch_writes_max || core_->batch_writes() >= limits::batch_writes_max ||
           core_->batch_bytes() >= limits::batch_bytes_max;
  }

  void flush_later() {
    if (!std::exchange(flush_sent_, true)) self_->send(self_, flush{});
  }

  /// Not while another is being written. The batch that fills meanwhile is bounded by who waits for an answer, as the
  /// mailbox is.
  void write_batch() {
    crowd_.wrote(waiting_.size());
    closed_ = std::exchange(waiting_, {});
    if (core_->batch_writes() == 0) return answer();
    auto batch = core_->close();
    if (!args_.threads || !crowd_.overlaps()) return finish(args_.kv.write(*batch, true));
    if (!writer_) {
      writer_ = self_->spawn<caf::detached>(batch_writer, &args_.ctx, args_.path + "/writer");
      self_->monitor(writer_);
    }
    writing_ = std::make_shared<batch_write>(args_.kv, std::move(batch));
    self_->send(writer_, store::write_batch{writing_});
  }

  void finish(const caf::expected<void>& written) {
    if (!written) return fail_batch(written.error());
    if (std::exchange(failing_, false)) args_.ctx.log.info(args_.path, "writes succeed again");
    auto batch = core_->accept();
    args_.views->publish(core_->make_view());
    answer();
    if (!batch->empty()) fan_out(batch);
    if (core_->log.over()) compact();
    arm_compaction();
  }

  void join(const std::vector<change>& changes, waiter w, caf::actor_id writer) {
    w.result =
        changes.size() > limits::batch_writes_max
            ? make_error(errc::too_large, "a commit of " + std::to_string(changes.size()) + " changes, the most is " +
                                              std::to_string(limits::batch_writes_max))
            : core_->apply(changes, args_.ctx.clock.wall_ms());
    waiting_.push_back(std::move(w));
    if (writer != 0) crowd_.met(writer);
    if (!writing_ && full())
      write_batch();
    else
      flush_later();
  }

  void answer() { answer(std::exchange(closed_, {})); }

  /// Promises one by one, and a message for each that commits on behalf of many.
  static void answer(std::vector<waiter> all) {
    std::vector<std::pair<caf::actor, settled>> together;
    for (auto& w : all) {
      if (w.to) {
        auto of_it = [&](const auto& t) { return t.first == w.to; };
        auto i = std::find_if(together.begin(), together.end(), of_it);
        if (i == together.end()) i = together.insert(i, {w.to, {}});
        i->second.all.push_back({std::move(w.by), std::move(w.result)});
      } else if (w.result) {
        w.promise.deliver(std::move(*w.result));
      } else {
        w.promise.deliver(w.result.error());
      }
    }
    for (auto& [to, what] : together) caf::anon_send(to, std::move(what));
  }

  void fail_batch(const caf::error& why) {
    if (!std::exchange(failing_, true)) args_.ctx.log.error(args_.path, "commits fail: " + message_of(why));
    core_->roll_back();
    answer_failed(why);
  }

  void answer_failed(const caf::error& why) {
    for (auto* all : {&closed_, &waiting_}) {
      for (auto& w : *all) w.result = why;
      answer(std::exchange(*all, {}));
    }
  }

  static std::vector<std::string_view> resources_in(const event_batch& batch) {
    std::vector<std::string_view> out;
    for (const auto& e : *batch) {
      auto r = resource_of(e.now);
      if (std::find(out.begin(), out.end(), r) == out.end()) out.push_back(r);
    }
    return out;
  }

  static bool wants(const subscriber& s, const std::vector<std::string_view>& resources) {
    if (s.resources.empty()) return true;
    return std::any_of(s.resources.begin(), s.resources.end(), [&](const std::string& r) {
      return std::find(resources.begin(), resources.end(), r) != resources.end();
    });
  }

  /// Sends a message that is shared by many.
  void post(const subscriber& s, const caf::message& m) {
    s.who->enqueue(caf::actor_cast<caf::strong_actor_ptr>(self_), caf::make_message_id(), m, self_->context());
  }

  void fan_out(const event_batch& batch) {
    auto resources = resources_in(batch);
    auto m = caf::make_message(events{batch, batch->back().revision});
    for (auto& [id, s] : subscribers_)
      if (s.live && wants(s, resources)) post(s, m);
  }

  /// One step; the next follows with the next batch or tick.
  void compact() {
    if (writing_) return;  // the kv has one writer at a time
    auto hold = core_->revision();
    for (const auto& [id, s] : subscribers_)
      if (!s.live) hold = std::min(hold, s.position);
    auto plan = core_->log.plan(args_.ctx.clock.wall_ms(), hold, compact_step);
    if (plan.to == 0) return;
    auto written = args_.kv.write(plan.batch, false);
    if (!written) {
      args_.ctx.log.warning(args_.path, "the log was not compacted: " + message_of(written.error()));
      return;
    }
    core_->log.forget(plan);
    args_.views->publish(core_->make_view());
    removed_ += plan.revisions;
  }

  /// A tick while there is a log; none in a store at rest.
  void arm_compaction() {
    if (armed_) return;
    auto due = core_->log.next_due_ms(args_.ctx.clock.wall_ms());
    if (!due) return;
    armed_ = true;
    auto wait = std::clamp<int64_t>(*due, 10, compact_tick_ms);
    self_->delayed_send(self_, std::chrono::milliseconds{wait}, compact_tick{++generation_});
  }

  base::actor* self_;
  store_args args_;
  std::unique_ptr<core> core_;
  std::vector<waiter> waiting_;           // for the open batch
  std::vector<waiter> closed_;            // for the one that is being written
  std::shared_ptr<batch_write> writing_;  // by the writer; null: none, or by this thread
  caf::actor writer_;
  std::map<caf::actor_id, subscriber> subscribers_;
  crowd crowd_;
  bool flush_sent_ = false;
  bool failing_ = false;
  bool armed_ = false;
  uint64_t generation_ = 0;
  size_t removed_ = 0;  // revisions since the kv was last asked to free space
};

store_state::store_state() = default;
store_state::~store_state() = default;

caf::behavior store_actor(base::stateful<store_state>* self, store_args args) {
  base::prepare(self, args.ctx, args.path);
  auto loaded = core::load(args.kv, args.ctx.random, args.history);
  if (!loaded) {
    args.ctx.log.error(args.path, "cannot load: " + message_of(loaded.error()));
    self->quit(loaded.error());
    return {};
  }
  auto parent = args.parent;
  auto path = args.path;
  self->state.shell = std::make_unique<store_shell>(self, std::move(args), std::move(*loaded));
  auto* shell = self->state.shell.get();
  self->set_down_handler([shell](caf::scheduled_actor* me, caf::down_msg& down) {
    if (shell->lost_writer(down.source.id())) return me->quit(down.reason);
    shell->forget(down.source.id());
  });
  if (parent) self->send(parent, base::ready{path});
  return {
      [shell](const commit_for& c) { shell->take(c); },
      [shell](const commit& c) { return shell->take(c); },
      [shell](const flush&) { shell->on_flush(); },
      [shell](const batch_written&) { shell->on_written(); },
      [shell](const subscribe& s) { return shell->take(s); },
      [shell](const unsubscribe& u) { shell->drop(u.who); },
      [shell](const replay_step& r) { shell->advance(r.who); },
      [shell](const compact_tick& t) { shell->on_compact_tick(t); },
  };
}

}  // namespace skerry::store
