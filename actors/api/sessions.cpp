#include "actors/api/sessions.hpp"

#include "actors/base/pool.hpp"

namespace skerry::api {
namespace {
constexpr std::chrono::seconds commit_deadline{10};
constexpr std::chrono::seconds pool_deadline{5};

void answer(const ports::http_exchange_ptr& exchange, reply r) {
  exchange->respond(r.code, r.content_type, std::move(r.body), std::move(r.headers));
}
}  // namespace

caf::behavior sessions_state::make(const parts& p, std::string path) {
  base::prepare(self_, p.ctx, std::move(path));
  parts_ = &p;
  return {
      [this](perform& m) { on_perform(m.job, std::move(m.changes)); },
      [this](const open_watch& m) { on_watch(m); },
  };
}

void sessions_state::on_perform(const std::shared_ptr<write_job>& job, std::vector<store::change> changes) {
  auto store = parts_->store();
  if (!store) return answer(job->exchange, to_reply(unavailable("the store is starting; try again")));
  self_->request(store, commit_deadline, store::commit{std::move(changes)})
      .then([this, job](const store::committed& c) { follow(job, job->committed(c, *parts_->reader.current())); },
            [this, job](const caf::error& e) {
              if (e == caf::sec::request_timeout)
                return answer(job->exchange, *job->failed(make_error(errc::timed_out, "10 s")));
              if (e.category() == caf::atom("system"))
                return answer(job->exchange, to_reply(unavailable("the store is restarting; try again")));
              if (auto r = job->failed(e)) return answer(job->exchange, std::move(*r));
              follow(job, job->decide(*parts_->reader.current()));
            });
}

void sessions_state::follow(const std::shared_ptr<write_job>& job, write_job::decision d) {
  if (auto* r = std::get_if<reply>(&d)) return answer(job->exchange, std::move(*r));
  on_perform(job, std::move(std::get<0>(d)));
}

void sessions_state::on_watch(const open_watch& m) {
  auto pool = parts_->watches();
  if (!pool) return answer(m.exchange, to_reply(unavailable("the API is starting; try again")));
  base::start_child child;
  child.id = std::to_string(++watches_) + "-" + std::to_string(self_->id());
  child.restart = false;
  child.start = [parts = parts_, request = m.request, exchange = m.exchange, id = child.id](caf::event_based_actor* s) {
    return s->spawn(watch, parts, "/cloud/api/watches/" + id, std::move(*request), exchange);
  };
  self_->request(pool, pool_deadline, std::move(child))
      .then([](const caf::actor&) {},
            [exchange = m.exchange](const caf::error& e) {
              answer(exchange, to_reply(unavailable("cannot start a watch: " + message_of(e))));
            });
}

caf::behavior sessions(caf::stateful_actor<sessions_state>* self, const parts* p, std::string path) {
  return self->state.make(*p, std::move(path));
}

}  // namespace skerry::api
