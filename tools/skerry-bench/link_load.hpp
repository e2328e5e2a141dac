#pragma once
#include <algorithm>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

/// The load of `skerry-bench link`: the same actors for every kind of message and link, so that what differs is the
/// link. A `Codec` has `using message`, `message make(uint64_t number)` and `uint64_t number(const message&)`.
namespace skerry::bench::load {

/// Letters in flight at most: sent and not yet told to have arrived.
inline constexpr uint64_t window = 16'384;
/// The sink tells after so many letters how far it is.
inline constexpr uint64_t tell_each = 1'024;

struct flood {
  uint64_t count;
};
struct again {};
struct ping_pong {
  uint64_t count;
};
/// Answer to both.
struct took {
  double seconds = 0;
  std::vector<double> each_us;  ///< of ping_pong
};

}  // namespace skerry::bench::load

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::load::flood)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::load::again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::load::ping_pong)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::load::took)

namespace skerry::bench::load {

using steady = std::chrono::steady_clock;
inline double seconds_since(steady::time_point t) { return std::chrono::duration<double>(steady::now() - t).count(); }

/// Takes letters; tells their sender each `tell_each` how far it is. Letters that come out of order end it.
template <class Codec>
caf::behavior sink(caf::event_based_actor* self, Codec codec) {
  auto last = std::make_shared<uint64_t>(0);
  return {[=](const typename Codec::message& m) {
    auto n = codec.number(m);
    if (n != *last + 1 && n != 1) return self->quit(caf::make_error(caf::sec::runtime_error, "letters out of order"));
    *last = n;
    if (n % tell_each == 0) self->send(caf::actor_cast<caf::actor>(self->current_sender()), codec.tell(n));
  }};
}

/// Answers each request with the same letter.
template <class Codec>
caf::behavior echo(caf::event_based_actor*, Codec) {
  return {[](const typename Codec::message& m) { return m; }};
}

/// Sends letters 1 to `count` (a multiple of tell_each) to a sink as fast as its window lets it; or asks an echo, one
/// request after the other.
template <class Codec>
class sender {
public:
  sender(caf::event_based_actor* self, Codec codec, caf::actor to) : self_(self), codec_(codec), to_(std::move(to)) {}

  caf::behavior behave() {
    return {[this](const flood& f) -> caf::result<took> {
              count_ = f.count;
              sent_ = told_ = 0;
              began_ = steady::now();
              promise_ = self_->template make_response_promise<took>();
              pump();
              return promise_;
            },
            [this](const again&) {
              pending_ = false;
              pump();
            },
            [this](const typename Codec::told& m) {
              told_ = codec_.number(m);
              if (told_ < count_)
                pump();
              else
                promise_.deliver(took{seconds_since(began_), {}});
            },
            [this](const ping_pong& p) -> caf::result<took> {
              count_ = p.count;
              result_ = {};
              promise_ = self_->template make_response_promise<took>();
              ask();
              return promise_;
            }};
  }

private:
  void pump() {
    if (pending_) return;
    for (int burst = 0; sent_ < count_ && sent_ - told_ < window; ++burst) {
      if (burst == 256) {
        pending_ = true;
        return self_->send(self_, again{});
      }
      self_->send(to_, codec_.make(++sent_));
    }
  }
  void ask() {
    began_ = steady::now();
    self_->request(to_, caf::infinite, codec_.make(count_))
        .then(
            [this](const typename Codec::message&) {
              result_.each_us.push_back(seconds_since(began_) * 1e6);
              if (--count_ > 0)
                ask();
              else
                promise_.deliver(std::move(result_));
            },
            [this](const caf::error& e) { promise_.deliver(e); });
  }

  caf::event_based_actor* self_;
  Codec codec_;
  caf::actor to_;
  uint64_t count_ = 0, sent_ = 0, told_ = 0;
  bool pending_ = false;
  steady::time_point began_;
  took result_;
  caf::typed_response_promise<took> promise_;
};

/// Runs one `flood` or `ping_pong` against `to`; throws std::runtime_error with the reason if it fails or takes longer
/// than `deadline_s`.
template <class Codec, class Task>
took run(caf::actor_system& system, Codec codec, const caf::actor& to, Task task, int deadline_s) {
  auto who = system.spawn([codec, to](caf::event_based_actor* self) {
    auto s = std::make_shared<sender<Codec>>(self, codec, to);
    self->attach_functor([s](const caf::error&) {});
    return s->behave();
  });
  caf::scoped_actor self{system};
  took out;
  std::string failure;
  self->request(who, std::chrono::seconds{deadline_s}, task)
      .receive([&](took& t) { out = std::move(t); },
               [&](const caf::error& e) { failure = "the load did not run through: " + caf::to_string(e); });
  self->send_exit(who, caf::exit_reason::kill);
  if (!failure.empty()) throw std::runtime_error(failure);
  return out;
}

}  // namespace skerry::bench::load
