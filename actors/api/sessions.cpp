#include "actors/api/sessions.hpp"

#include <caf/send.hpp>

#include "actors/base/pool.hpp"

namespace skerry::api {
struct sessions_tick {};
}  // namespace skerry::api
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::sessions_tick)

namespace skerry::api {
namespace {
constexpr std::chrono::seconds tick{1};
constexpr std::chrono::seconds pool_deadline{5};
constexpr int hub_attempts = 3;

void answer(const ports::http_exchange_ptr& exchange, reply r) {
  exchange->respond(r.code, r.content_type, std::move(r.body), std::move(r.headers));
}
}  // namespace

write_job::~write_job() {
  if (under_way && !late && exchange)
    answer(exchange, to_reply(unavailable("the store is restarting; the write may or may not have happened; look, and "
                                          "try again")));
}

void send_commit(const caf::actor& store, const caf::actor& sessions, write_job_ptr job,
                 std::vector<store::change> changes) {
  job->under_way = true;
  caf::anon_send(store, store::commit_for{sessions, std::move(job), std::move(changes)});
}

caf::behavior sessions_state::make(const parts& p, std::string path) {
  base::prepare(self_, p.ctx, std::move(path));
  parts_ = &p;
  if (!parts_->writes->empty()) tick_later();
  return {
      [this](store::settled& m) {
        for (auto& s : m.all) on_settled(s);
      },
      [this](const open_watch& m) { on_watch(m, hub_attempts); },
      [this](const watch_deadlines&) { tick_later(); },
      [this](const sessions_tick&) { on_tick(); },
  };
}

void sessions_state::on_settled(store::settlement& s) {
  auto job = std::static_pointer_cast<write_job>(std::move(s.by));
  job->under_way = false;
  if (job->late) return;
  if (s.result) return follow(job, job->committed(*s.result, *parts_->reader.current()));
  if (auto r = job->failed(s.result.error())) return answer(job->exchange, std::move(*r));
  follow(job, job->decide(*parts_->reader.current()));
}

void sessions_state::tick_later() {
  if (!std::exchange(ticking_, true)) self_->delayed_send(self_, tick, sessions_tick{});
}

void sessions_state::on_tick() {
  ticking_ = false;
  for (auto& job : parts_->writes->overdue(parts_->ctx.clock.steady_ms())) {
    job->late = true;
    answer(job->exchange, job->failed(make_error(errc::timed_out, "10 s")).value_or(reply{}));
  }
  if (!parts_->writes->empty()) tick_later();
}

void sessions_state::follow(const write_job_ptr& job, write_job::decision d) {
  if (auto* r = std::get_if<reply>(&d)) return answer(job->exchange, std::move(*r));
  auto store = parts_->store();
  if (!store) return answer(job->exchange, to_reply(unavailable("the store is starting; try again")));
  send_commit(store, caf::actor{self_}, job, std::move(std::get<0>(d)));
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
