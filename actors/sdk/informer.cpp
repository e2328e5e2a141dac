#include "actors/sdk/informer.hpp"

#include <caf/actor_cast.hpp>
#include <chrono>

#include "actors/link/mesh_core.hpp"

namespace skerry::sdk {
namespace {

using type = schema::ObjectChange::Type;
constexpr std::chrono::milliseconds open_deadline{15'000};
constexpr uint32_t tick_ms = limits::feed_wait_ms / 2;

/// The changes of a batch in either form: objects that are shared, or bytes that came over a link.
template <class F>
void each_change(const api::feed_batch& b, F&& f) {
  for (const auto& c : b.changes) f(c.type, c.object);
}
template <class F>
void each_change(const letter<schema::ObjectBatch>& b, F&& f) {
  for (auto c : (*b).getChanges()) {
    auto data = c.getObject();
    auto o = object::from_bytes(std::as_bytes(std::span{data.begin(), data.size()}));
    if (o) f(c.getType(), *o);
  }
}

}  // namespace

informer::informer(caf::event_based_actor* self, const context& ctx, resolver resolve, informer_args args)
    : self_(self), ctx_(ctx), resolve_(std::move(resolve)), args_(std::move(args)), retry_(self), tick_(self) {}

informer& informer::index(std::string name, index_function f) {
  cache_.add_index(std::move(name), std::move(f));
  return *this;
}

void informer::start(informer_handlers handlers) {
  cache_.set_handlers(std::move(handlers));
  resync_at_ms_ = ctx_.clock.steady_ms() + args_.resync_ms;
  tick_later();
  open();
}

bool informer::current() const {
  return synced() && ctx_.clock.steady_ms() - heard_ms_ < static_cast<int64_t>(2 * limits::feed_wait_ms);
}

void informer::open() {
  auto mine = ++generation_;
  auto to = resolve_(objects_path);
  if (!to) return lost(skerry::make_error(errc::unavailable, "the cloud's API is not there just now"));
  observe(to);
  from_start_ = from_start_ || cache_.revision() == 0;
  opening_ = true;
  doubtful_ = false;
  auto after = from_start_ ? 0 : cache_.revision();
  ++opened_;
  asked_ms_ = ctx_.clock.steady_ms();
  auto wanted = letter<schema::OpenFeed>::build([&](schema::OpenFeed::Builder b) {
    b.setResource(args_.resource);
    b.setNamespace(args_.ns);
    b.setLabelSelector(args_.label_selector);
    b.setFieldSelector(args_.field_selector);
    b.setAfter(after);
  });
  self_->request(to, open_deadline, std::move(wanted))
      .then(
          [this, mine](const letter<schema::FeedOpened>& o) {
            if (mine != generation_) return;
            opening_ = false;
            auto path = (*o).getPath();
            feed_ = resolve_({path.begin(), path.size()});
            have_ = 0;
            if (!feed_) return lost(skerry::make_error(errc::unavailable, "the feed has ended"));
            if (from_start_) {
              ++listed_;
              cache_.begin_list();
            }
            ask();
          },
          [this, mine](const caf::error& e) {
            if (mine == generation_) lost(e);
          });
}

void informer::observe(const caf::actor& cloud) {
  auto* p = link::proxy_of(caf::actor_cast<caf::strong_actor_ptr>(cloud));
  if (p == nullptr || std::exchange(observed_, true)) return;
  auto told = [this](bool up) { return caf::make_message(wake{alive_, [this, up] { on_link(up); }}); };
  if (auto e = p->over().core().observe(self_, paths::island_of(p->path()), told(false), told(true)))
    ctx_.log.warning("informer", args_.resource + ": goes on later after cuts: " + message_of(e));
}

/// The link is back: what was asked before the cut, or its answer, may be lost; what was asked since is on its way.
void informer::on_link(bool up) {
  if (!up) {
    cut_ = true;
    doubtful_ = opening_;
    return;
  }
  if (!std::exchange(cut_, false)) return;
  if (feed_) {
    ++generation_;
    return ask();
  }
  if (opening_ && !doubtful_) return;
  wait_ms_ = retry_ms_min;
  retry_.disarm();
  open();
}

void informer::ask() {
  asked_ms_ = ctx_.clock.steady_ms();
  auto mine = generation_;
  auto failed = [this, mine](const caf::error& e) {
    if (mine == generation_) lost(e);
  };
  // No timer for each request: tick() looks whether an answer is overdue.
  if (feed_.node() == self_->node()) {
    self_->request(feed_, caf::infinite, api::feed_next{have_})
        .then(
            [this, mine](const api::feed_batch& b) {
              if (mine != generation_) return;
              take(b);
              on_batch(b.sequence, b.revision, b.complete);
            },
            failed);
    return;
  }
  auto next = letter<schema::NextObjects>::build([&](auto b) { b.setHave(have_); });
  self_->request(feed_, caf::infinite, std::move(next))
      .then(
          [this, mine](const letter<schema::ObjectBatch>& b) {
            if (mine != generation_) return;
            take(b);
            on_batch((*b).getSequence(), (*b).getRevision(), (*b).getComplete());
          },
          failed);
}

template <class Batch>
void informer::take(const Batch& b) {
  each_change(b, [this](type what, const object& o) {
    switch (what) {
      case type::PRESENT:
        return cache_.present(o);
      case type::PUT:
        return cache_.put(o);
      case type::GONE:
        return cache_.gone(o);
    }
  });
}

void informer::on_batch(uint64_t sequence, uint64_t revision, bool complete) {
  have_ = sequence;
  last_error_.clear();
  wait_ms_ = retry_ms_min;
  heard_ms_ = ctx_.clock.steady_ms();
  if (complete) {
    from_start_ = false;
    cache_.end_list(revision);
  } else if (revision > 0) {
    cache_.advance(revision);
  }
  ask();
}

void informer::lost(const caf::error& why) {
  ++generation_;
  feed_ = nullptr;
  opening_ = false;
  // Not what the cloud remembers any more: everything has to be read again.
  if (code_of(why) == errc::expired && !std::exchange(from_start_, true)) wait_ms_ = retry_ms_min;
  // Said once for each reason, not for each try.
  if (auto text = message_of(why); text != last_error_) {
    ctx_.log.info("informer", args_.resource + ": " + text + "; tries again until it can follow" +
                                  (from_start_ ? ", with a full list" : ""));
    last_error_ = std::move(text);
  }
  retry_.arm(wait_ms_, [this] { open(); });
  wait_ms_ = std::min(2 * wait_ms_, retry_ms_max);
}

void informer::tick_later() {
  auto ms = args_.resync_ms > 0 ? std::min(tick_ms, args_.resync_ms) : tick_ms;
  tick_.arm(ms, [this] { tick(); });
}

void informer::tick() {
  tick_later();
  auto now = ctx_.clock.steady_ms();
  if (feed_ && now - asked_ms_ >= static_cast<int64_t>(answer_ms_max))
    lost(skerry::make_error(errc::timed_out, "no answer for " + std::to_string(answer_ms_max / 1000) + " s"));
  if (args_.resync_ms == 0 || now < resync_at_ms_ || !synced()) return;
  resync_at_ms_ = now + args_.resync_ms;
  cache_.resync();
}

}  // namespace skerry::sdk
