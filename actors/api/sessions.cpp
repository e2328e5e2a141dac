#include "actors/api/sessions.hpp"

#include <caf/send.hpp>

#include "actors/base/pool.hpp"

namespace skerry::api {
struct sessions_tick {};
}  // namespace skerry::api
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::sessions_tick)

namespace skerry::api {
namespace {
constexpr int64_t commit_ms_max = 10'000;
constexpr std::chrono::seconds tick{1};
constexpr std::chrono::seconds pool_deadline{5};
constexpr int hub_attempts = 3;

void answer(const ports::http_exchange_ptr& exchange, reply r) {
  exchange->respond(r.code, r.content_type, std::move(r.body), std::move(r.headers));
}
}  // namespace

caf::behavior sessions_state::make(const parts& p, std::string path) {
  base::prepare(self_, p.ctx, std::move(path));
  parts_ = &p;
  return {
      [this](perform& m) { on_perform(m.job, std::move(m.changes)); },
      [this](const open_watch& m) { on_watch(m, hub_attempts); },
      [this](const sessions_tick&) { on_tick(); },
  };
}

void sessions_state::on_perform(const std::shared_ptr<write_job>& job, std::vector<store::change> changes) {
  auto store = parts_->store();
  if (!store) return answer(job->exchange, to_reply(unavailable("the store is starting; try again")));
  await(job);
  // The store answers each commit, also when it ends; a timer for each request would wake the clock's thread each time.
  self_->request(store, caf::infinite, store::commit{std::move(changes)})
      .then(
          [this, job](const store::committed& c) {
            if (!job->late) follow(job, job->committed(c, *parts_->reader.current()));
          },
          [this, job](const caf::error& e) {
            if (job->late) return;
            if (e.category() == caf::atom("system"))
              return answer(job->exchange,
                            to_reply(unavailable("the store is restarting; the write may or may not have "
                                                 "happened; look, and try again")));
            if (auto r = job->failed(e)) return answer(job->exchange, std::move(*r));
            follow(job, job->decide(*parts_->reader.current()));
          });
}

/// Notes when the job must be answered: once for a job, however often it is decided anew.
void sessions_state::await(const std::shared_ptr<write_job>& job) {
  if (job->deadline_ms != 0) return;
  job->deadline_ms = parts_->ctx.clock.steady_ms() + commit_ms_max;
  if (waiting_.empty()) self_->delayed_send(self_, tick, sessions_tick{});
  waiting_.emplace_back(job->deadline_ms, job);
}

void sessions_state::on_tick() {
  auto now = parts_->ctx.clock.steady_ms();
  // Answered jobs are gone, and with them what the weak pointers meant.
  while (!waiting_.empty() && (waiting_.front().second.expired() || waiting_.front().first <= now)) {
    if (auto job = waiting_.front().second.lock()) {
      job->late = true;
      answer(job->exchange, job->failed(make_error(errc::timed_out, "10 s")).value_or(reply{}));
    }
    waiting_.pop_front();
  }
  if (!waiting_.empty()) self_->delayed_send(self_, tick, sessions_tick{});
}

void sessions_state::follow(const std::shared_ptr<write_job>& job, write_job::decision d) {
  if (auto* r = std::get_if<reply>(&d)) return answer(job->exchange, std::move(*r));
  on_perform(job, std::move(std::get<0>(d)));
}

/// To the hub of its resource, which the pool keeps: looked up each time, for a crash may have put a new one in its
/// place. The first watch of a resource makes it.
void sessions_state::on_watch(const open_watch& m, int attempts_left) {
  auto pool = parts_->watches();
  if (!pool) return answer(m.exchange, to_reply(unavailable("the API is starting; try again")));
  auto go_on = [m](const caf::actor& hub) { caf::anon_send(hub, m); };
  auto refuse = [m](const caf::error& e) {
    answer(m.exchange, to_reply(unavailable("cannot start a watch: " + message_of(e))));
  };
  const auto* info = m.request->info;
  self_->request(pool, pool_deadline, base::find_child{info->id}).then(go_on, [=, this](const caf::error& e) {
    auto here = parts_->watches();
    if (code_of(e) != errc::not_found || !here) return refuse(e);
    base::start_child child;
    child.id = info->id;
    child.start = [parts = parts_, info](caf::event_based_actor* parent) {
      return parent->spawn(watch_hub, parts, "/cloud/api/watches/" + info->id, info);
    };
    self_->request(here, pool_deadline, std::move(child)).then(go_on, [=, this](const caf::error& why) {
      if (code_of(why) == errc::already_exists && attempts_left > 0) return on_watch(m, attempts_left - 1);
      refuse(why);
    });
  });
}

caf::behavior sessions(base::stateful<sessions_state>* self, const parts* p, std::string path) {
  return self->state.make(*p, std::move(path));
}

}  // namespace skerry::api
