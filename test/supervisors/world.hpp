#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

#include "actors/base/actor.hpp"
#include "schema/error.hpp"
#include "supervisors/supervisor.hpp"

namespace skerry::test {

struct crash {
  std::string why;
};
struct become_ready {};
struct ping {};

}  // namespace skerry::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::test::crash)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::test::become_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::test::ping)

namespace skerry::test {

/// A real actor system with the services of an island, and children of several tempers.
struct world {
  static constexpr int64_t wall_start_ms = 1'764'000'000'000;

  struct fixed_clock : ports::clock {
    int64_t wall_ms() const override { return wall_start_ms; }
    int64_t steady_ms() const override { return 1'000; }
  };
  struct no_random : ports::random {
    uint64_t next() override { return 4; }
  };
  struct silent_log : ports::log {
    bool enabled(ports::severity) const override { return false; }
    void write(ports::severity, std::string_view, std::string_view) override {}
  };

  fixed_clock clock;
  no_random random;
  silent_log log;
  context ctx{clock, random, log};
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services parts{ctx, directory, crashes};
  caf::actor_system_config config = make_config();
  caf::actor_system sys{config};
  caf::scoped_actor self{sys};
  std::map<caf::actor_id, caf::error> downs;

  static caf::actor_system_config make_config() {
    caf::actor_system_config c;
    c.set("scheduler.policy", caf::atom("sharing"));
    c.set("scheduler.max-threads", size_t{2});
    return c;
  }

  caf::behavior answers(base::actor* me) {
    base::prepare(me, ctx, "/test");
    return {
        [](const crash& c) { throw std::runtime_error(c.why); },
        [](const ping&) { return true; },
    };
  }
  supervisors::start_function plain() {
    return [this](caf::event_based_actor* sup) { return sup->spawn([this](base::actor* me) { return answers(me); }); };
  }
  supervisors::start_function self_ready(std::string path) {
    return [this, path](caf::event_based_actor* sup) {
      return sup->spawn([this, path, parent = caf::actor_cast<caf::actor>(sup)](base::actor* me) {
        me->send(parent, base::ready{path});
        return answers(me);
      });
    };
  }
  supervisors::start_function slow() {
    return [](caf::event_based_actor* sup) {
      return sup->spawn([parent = caf::actor_cast<caf::actor>(sup)](base::actor* me) {
        return caf::behavior{[=](const become_ready&) { me->send(parent, base::ready{"slow"}); }};
      });
    };
  }
  supervisors::start_function stubborn() {
    return [](caf::event_based_actor* sup) {
      return sup->spawn([](base::actor* me) {
        me->set_exit_handler([](caf::exit_msg&) {});
        return caf::behavior{[](const ping&) { return true; }};
      });
    };
  }

  caf::actor supervise(std::string path, supervisors::strategy s, supervisors::restart_window w,
                       std::vector<supervisors::child_spec> children) {
    return sys.spawn(
        supervisors::supervisor,
        supervisors::supervisor_args{parts, std::move(path), {.how = s, .window = w}, std::move(children)});
  }

  template <class F>
  void until(F holds, const char* what) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error(std::string{"60 s passed until "} + what);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  caf::actor await(const std::string& path) { return await_other(path, nullptr); }
  caf::actor await_other(const std::string& path, const caf::actor& than) {
    caf::actor found;
    until([&] { return (found = directory.find(path)) && found != than; }, path.c_str());
    return found;
  }
  caf::error await_down(const caf::actor& who) {
    until(
        [&] {
          self->receive_while([&] { return downs.count(who.id()) == 0 && self->has_next_message(); })(
              [&](caf::down_msg& m) { downs[m.source.id()] = m.reason; });
          return downs.count(who.id()) != 0;
        },
        "an actor is down");
    return downs[who.id()];
  }
  void stop(const caf::actor& a) {
    self->monitor(a);
    self->send_exit(a, caf::exit_reason::user_shutdown);
    await_down(a);
  }
  template <class R, class M>
  caf::expected<R> ask(const caf::actor& whom, M m) {
    caf::expected<R> out{caf::sec::request_timeout};
    self->request(whom, std::chrono::seconds(20), std::move(m))
        .receive([&](const R& r) { out = r; }, [&](const caf::error& e) { out = e; });
    return out;
  }
  template <class M>
  bool ask_done(const caf::actor& whom, M m) {
    bool done = false;
    self->request(whom, std::chrono::seconds(20), std::move(m)).receive([&] { done = true; }, [](const caf::error&) {});
    return done;
  }
  /// Counts the actors under `prefix` whose last path element begins with `kind` that answer a ping.
  int all_answer(const std::string& prefix, const std::string& kind) {
    int count = 0;
    for (auto& path : directory.list(prefix)) {
      auto a = directory.find(path);
      if (a && path.substr(path.rfind('/') + 1).starts_with(kind) && ask<bool>(a, ping{})) ++count;
    }
    return count;
  }
};

}  // namespace skerry::test
