#include "actors/api/watch_start.hpp"

namespace skerry::api {
namespace {
struct start_watch {
  bool present;
};
constexpr std::chrono::seconds subscribe_deadline{10};
}  // namespace
}  // namespace skerry::api
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::start_watch)

namespace skerry::api {

failure watch_failure(const caf::error& e, const kube::resource_info& info) {
  if (code_of(e) == errc::expired) return expired("The resourceVersion for the provided watch is too old.");
  if (e.category() == caf::atom("system")) return unavailable("the store is restarting; try again");
  return from_error(e, info, {});
}

caf::behavior watch_start_state::make(const parts& p, std::string path, caf::actor hub, watch_stream_ptr stream,
                                      bool present) {
  base::prepare(self_, p.ctx, std::move(path));
  parts_ = &p;
  hub_ = std::move(hub);
  stream_ = std::move(stream);
  // Without the store, or the hub, there are no more changes: end, so that the client asks again.
  self_->set_down_handler([this](const caf::down_msg&) { finish(); });
  self_->monitor(hub_);
  self_->send(self_, start_watch{present});
  return {
      [this](const start_watch& m) { open(m.present); },
      [this](const store::events& e) { on_events(e); },
      [this](const store::lost& l) { fail(watch_failure(l.why, *stream_->request().info)); },
  };
}

void watch_start_state::open(bool present) {
  stream_->begin(hub_);
  if (!present) return replay();
  auto view = parts_->reader.current();
  if (!stream_->present(*view)) return finish();
  hand_over();
}

void watch_start_state::replay() {
  auto store = parts_->store();
  if (!store) return fail(unavailable("the store is starting; try again"));
  self_->monitor(store);
  // Of all resources, so that each batch tells how far this has come.
  self_->request(store, subscribe_deadline, store::subscribe{{}, stream_->revision, caf::actor{self_}})
      .then(
          [this](const store::subscribed& s) {
            target_ = s.revision;
            if (stream_ && stream_->revision >= target_) hand_over();
          },
          [this](const caf::error& e) { fail(watch_failure(e, *stream_->request().info)); });
}

void watch_start_state::on_events(const store::events& e) {
  if (!stream_) return;
  if (!stream_->catch_up(e)) return finish();
  if (target_ != 0 && stream_->revision >= target_) hand_over();
}

void watch_start_state::hand_over() {
  self_->send(hub_, adopt_watch{std::exchange(stream_, nullptr)});
  finish();
}

void watch_start_state::fail(const failure& f) {
  if (stream_) stream_->fail(f);
  finish();
}

void watch_start_state::finish() {
  if (stream_) stream_->end();
  stream_.reset();
  self_->quit();
}

caf::behavior watch_start(base::stateful<watch_start_state>* self, const parts* p, std::string path, caf::actor hub,
                          watch_stream_ptr stream, bool present) {
  return self->state.make(*p, std::move(path), std::move(hub), std::move(stream), present);
}

}  // namespace skerry::api
