#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "actors/base/actor.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/random/system_random.hpp"
#include "schema/letter.hpp"
#include "schema/object.capnp.h"
#include "supervisors/pool.hpp"
#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/process.hpp"

namespace skerry::bench {
namespace {

struct look {};
struct note {
  uint64_t number;
};
using ball = letter<schema::StoredObject>;

}  // namespace
}  // namespace skerry::bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::look)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::note)

namespace skerry::bench {
namespace {

constexpr size_t children = 100'000;
constexpr size_t kills = 5'000;
constexpr uint64_t rallies = 300'000;

struct silent_log final : ports::log {
  bool enabled(ports::severity) const override { return false; }
  void write(ports::severity, std::string_view, std::string_view) override {}
};

caf::actor_system_config& with_policy(caf::actor_system_config& c, const char* policy) {
  c.set("scheduler.policy", caf::atom_from_string(policy));
  c.set("scheduler.max-threads", size_t{2});
  return c;
}

/// An island without a world: what a pool needs, and a way to wait for what its children tell.
struct island {
  explicit island(const char* policy = "sharing") : sys(with_policy(config, policy)) {}

  drivers::system_clock clock;
  drivers::system_random random;
  silent_log log;
  context ctx{clock, random, log};
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services services{ctx, directory, crashes};
  std::mutex mutex;
  std::condition_variable changed;
  uint64_t started = 0;
  double last_start_ms = 0;
  caf::actor_system_config config;
  caf::actor_system sys;

  void tell_started() {
    std::lock_guard lock{mutex};
    ++started;
    last_start_ms = now_ms();
    changed.notify_one();
  }
  void await_started(uint64_t count) {
    std::unique_lock lock{mutex};
    if (!changed.wait_for(lock, std::chrono::seconds{60}, [&] { return started >= count; }))
      throw std::runtime_error("a child does not start");
  }
};

/// A child as small as they come: a state of two words, as most have, and `Handlers` messages that it understands.
struct child_state {
  static inline const char* name = "child";
  explicit child_state(base::actor* s) : self(s) {}
  base::actor* self;
  std::unique_ptr<uint64_t> more;
};

template <int Handlers>
caf::behavior child(base::stateful<child_state>* self, island* i, std::string path) {
  base::prepare(self, i->ctx, path);
  i->tell_started();
  if constexpr (Handlers == 1)
    return {[](const look&) { return true; }};
  else
    return {[](const look&) { return true; },
            [](int8_t) {},
            [](int16_t) {},
            [](int32_t) {},
            [](int64_t) {},
            [self](const note& n) { *self->state.more = n.number; }};
}

std::string id_of(size_t n) { return "child-" + std::to_string(100'000 + n); }
std::string path_of(size_t n) { return "/bench/pool/" + id_of(n); }

template <int Handlers>
caf::actor start_pool(island& i, caf::scoped_actor& self, size_t count) {
  auto pool = i.sys.spawn(supervisors::pool, supervisors::pool_args{i.services, "/bench/pool"});
  for (size_t n = 0; n < count; ++n) {
    auto start = [&i, n](caf::event_based_actor* p) { return p->spawn(child<Handlers>, &i, path_of(n)); };
    self->request(pool, caf::infinite, base::start_child{id_of(n), start})
        .receive([](const caf::actor&) {}, [](const caf::error& e) { throw std::runtime_error(to_string(e)); });
  }
  i.await_started(count);
  return pool;
}

void stop(island& i, caf::scoped_actor& self, const caf::actor& pool) {
  self->monitor(pool);
  self->send_exit(pool, caf::exit_reason::user_shutdown);
  self->receive([](const caf::down_msg&) {});
  i.sys.registry().await_running_count_equal(1);  // the scoped actor
}

uint64_t resident() {
  ::malloc_trim(0);
  return memory_of(::getpid()).rss;
}

/// What a child costs, all told: itself, its entry in the directory and in the pool, the monitor.
template <int Handlers>
double bytes_of_a_child() {
  island i;
  caf::scoped_actor self{i.sys};
  stop(i, self, start_pool<Handlers>(i, self, 100));  // what is needed once
  i.started = 0;
  auto before = resident();
  auto pool = start_pool<Handlers>(i, self, children);
  auto cost = static_cast<double>(resident() - before) / children;
  stop(i, self, pool);
  return cost;
}

/// From the kill until the child stands at its path again and has taken its first turn.
std::vector<double> kill_and_return() {
  island i;
  caf::scoped_actor self{i.sys};
  auto pool = start_pool<1>(i, self, children);
  std::vector<double> each_ms;
  for (size_t n = 0; n < kills; ++n) {
    auto path = path_of(i.random.next() % children);
    auto victim = i.directory.find(path);
    auto before = now_ms();
    caf::anon_send_exit(victim, caf::exit_reason::kill);
    i.await_started(children + n + 1);
    for (auto end = before + 10'000; now_ms() < end;)
      if (auto now = i.directory.find(path); now && now != victim) break;
    each_ms.push_back(std::max(now_ms() - before, i.last_start_ms - before));
  }
  stop(i, self, pool);
  return each_ms;
}

/// Round trips a second of a letter between two actors of one island.
template <class Actor>
double ping_pong(const char* policy) {
  island i{policy};
  caf::scoped_actor self{i.sys};
  auto body = std::string(100, 'x');
  auto first = ball::build([&](schema::StoredObject::Builder b) { b.setName(body); });
  auto wall = [](Actor*) -> caf::behavior { return {[](const ball& b) { return b; }}; };
  auto player = [&](Actor* me, caf::actor other) -> caf::behavior {
    auto left = std::make_shared<uint64_t>(rallies);
    me->send(other, first);
    return {[=, this_one = caf::actor_cast<caf::actor>(self)](const ball& b) {
      if (--*left > 0) return me->send(other, b);
      me->send(this_one, look{});
      me->send_exit(other, caf::exit_reason::user_shutdown);
      me->quit();
    }};
  };
  auto before = now_ms();
  i.sys.spawn(player, i.sys.spawn(wall));
  self->receive([](const look&) {});
  return rallies / (now_ms() - before) * 1000;
}

}  // namespace

figures bench_actors() {
  figures out;
  out.push_back({"an idle child of a pool of 100,000, all told, one handler", bytes_of_a_child<1>() / 1000, "KB", 1.6});
  out.push_back({"the same with six handlers", bytes_of_a_child<6>() / 1000, "KB", {}});
  auto back = kill_and_return();
  out.push_back({"one child of 100,000 killed, and back at its path, p50", quantile(back, 0.5), "ms", 1});
  out.push_back({"the same, p99", quantile(back, 0.99), "ms", {}});
  for (auto* policy : {"sharing", "stealing"}) {
    out.push_back({std::string{"round trips of a letter of 100 bytes between two actors, "} + policy,
                   ping_pong<base::actor>(policy),
                   "/s",
                   {},
                   aim::at_least});
    out.push_back({std::string{"the same without our meter (bare CAF), "} + policy,
                   ping_pong<caf::event_based_actor>(policy),
                   "/s",
                   {},
                   aim::at_least});
  }
  return out;
}

}  // namespace skerry::bench
