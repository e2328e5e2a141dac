#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "actors/store/store.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/random/system_random.hpp"
#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/folder.hpp"

namespace skerry::bench::load {

struct start {};
struct result {
  std::vector<double> latencies_us;
};

}  // namespace skerry::bench::load

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::load::start)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::bench::load::result)

namespace skerry::bench {
namespace {

using load::result;
using load::start;

using steady = std::chrono::steady_clock;
double us_since(steady::time_point t) { return std::chrono::duration<double, std::micro>(steady::now() - t).count(); }

struct silent_log : ports::log {
  bool enabled(ports::severity s) const override { return s >= ports::severity::warning; }
  void write(ports::severity s, std::string_view who, std::string_view text) override {
    if (enabled(s)) std::fprintf(stderr, "%.*s: %.*s\n", int(who.size()), who.data(), int(text.size()), text.data());
  }
};

/// A pod as the API would hand it over, `bytes` of JSON in all.
store::draft pod(const std::string& name, size_t bytes) {
  json::value v{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata",
       {{"name", name},
        {"namespace", "default"},
        {"uid", "3f0e8c0e-1111-4222-8333-" + name},
        {"creationTimestamp", "2026-11-23T10:00:00Z"},
        {"labels", {{"app", "web"}, {"pod-template-hash", "5d4f8c7b9"}}},
        {"ownerReferences", {{{"uid", "0a1b2c3d"}, {"kind", "ReplicaSet"}, {"name", "web"}, {"controller", true}}}}}},
      {"spec", {{"nodeName", "n1"}, {"restartPolicy", "Always"}}},
      {"status", {{"phase", "Running"}, {"podIP", "10.0.0.1"}}}};
  json::array environment;
  size_t have = 520;
  while (have + 60 < bytes) {
    environment.push_back(
        {{"name", "VARIABLE_" + std::to_string(environment.size())}, {"value", std::string(24, 'v')}});
    have += 58;
  }
  v.at("spec").as_object()["containers"] = {{{"name", "main"}, {"image", "web:1"}, {"env", std::move(environment)}}};
  return {{"pods", "default", name}, std::move(v)};
}

/// The store answers always, so that the writers set no timers: those of CAF stay until they are due, and would be
/// measured. Commits again as soon as it is answered, `count` times: creates, then updates of what it created.
caf::behavior writer(caf::event_based_actor* self, caf::actor store, std::string name, size_t bytes, size_t count) {
  struct state {
    store::draft object;
    size_t left;
    uint64_t revision = 0;
    steady::time_point sent;
    result r;
    caf::typed_response_promise<result> promise;
  };
  auto s = std::make_shared<state>(state{pod(name, bytes), count, 0, {}, {}, {}});
  auto step = std::make_shared<std::function<void()>>();
  *step = [=, next = step.get()] {
    if (s->left-- == 0) {
      s->promise.deliver(std::move(s->r));
      self->quit();
      return;
    }
    store::change c{s->revision == 0 ? store::verb::create : store::verb::update, s->object, {}, {}};
    if (s->revision != 0) c.expected_revision = s->revision;
    s->sent = steady::now();
    self->request(store, caf::infinite, store::commit{{std::move(c)}})
        .then(
            [=](const store::committed& done) {
              s->revision = done.revision;
              s->r.latencies_us.push_back(us_since(s->sent));
              (*next)();
            },
            [=](const caf::error& e) {
              s->promise.deliver(e);
              self->quit(e);
            });
  };
  return {[=](const start&) -> caf::result<result> {
    s->promise = self->make_response_promise<result>();
    (*step)();
    return s->promise;
  }};
}

class world {
public:
  world() {
    config.set("scheduler.policy", caf::atom("sharing"));
    open();
  }
  ~world() { close(); }
  void open() {
    auto opened = drivers::open_leveldb(drivers::leveldb_options::large(dir.path));
    if (!opened) throw std::runtime_error{message_of(opened.error())};
    kv = std::move(*opened);
    views = std::make_shared<store::publisher>();
    system = std::make_unique<caf::actor_system>(config);
    actor = system->spawn<caf::detached>(store::store_actor,
                                         store::store_args{ctx, "/cloud/store", *kv, views, caf::actor{}, {}, true});
    caf::scoped_actor self{*system};
    self->request(actor, std::chrono::minutes{1}, store::commit{})
        .receive([](const store::committed&) {}, [](const caf::error& e) { throw std::runtime_error{message_of(e)}; });
  }
  void close() {
    if (system == nullptr) return;
    {
      caf::scoped_actor self{*system};
      self->send_exit(actor, caf::exit_reason::user_shutdown);
      self->wait_for(actor);
    }
    actor = nullptr;
    system.reset();
    views.reset();
    kv.reset();
  }

  struct load_result {
    double per_second;
    std::vector<double> latencies_us;
  };
  load_result run(size_t writers, size_t bytes, size_t each, const std::string& prefix) {
    caf::scoped_actor self{*system};
    std::vector<caf::actor> all;
    for (size_t i = 0; i < writers; ++i)
      all.push_back(system->spawn(writer, actor, prefix + std::to_string(i), bytes, each));
    load_result out{};
    auto began = steady::now();
    auto* me = self.ptr();
    for (auto& w : all) me->send(w, start{});
    for (size_t i = 0; i < writers; ++i) {
      me->receive([&](const result& r) {
        out.latencies_us.insert(out.latencies_us.end(), r.latencies_us.begin(), r.latencies_us.end());
      });
    }
    out.per_second = static_cast<double>(writers * each) / (us_since(began) / 1e6);
    return out;
  }

  folder dir;
  drivers::system_clock clock;
  drivers::system_random random;
  silent_log log;
  context ctx{clock, random, log};
  caf::actor_system_config config;
  std::unique_ptr<ports::kv> kv;
  std::shared_ptr<store::publisher> views;
  std::unique_ptr<caf::actor_system> system;
  caf::actor actor;
};

/// What the disk alone takes to make 16 KB at the end of a file durable: p50, in microseconds. What is durable waits
/// for it.
double sync_us(const std::string& directory) {
  auto path = directory + "/sync.tmp";
  int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error{"cannot write " + path};
  std::string block(16 * 1024, 's');
  std::vector<double> took;
  for (int i = 0; i < 300; ++i) {
    auto began = steady::now();
    if (::write(fd, block.data(), block.size()) < 0 || ::fdatasync(fd) != 0) break;
    took.push_back(us_since(began));
  }
  ::close(fd);
  ::unlink(path.c_str());
  return quantile(took, 0.5);
}

/// CPU time of this process so far, in microseconds.
double cpu_us() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

double rss_bytes() {
  ::malloc_trim(0);
  std::ifstream in{"/proc/self/statm"};
  double size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

figures bench_store() {
  figures out;
  world w;
  out.push_back({"sync of 16 KB, the disk alone, p50", sync_us(w.dir.path), "us", {}, {}});
  w.run(16, 1024, 300, "warm");
  auto cpu = cpu_us();
  auto small = w.run(16, 1024, 4000, "small");
  cpu = (cpu_us() - cpu) / (16 * 4000);
  out.push_back({"durable writes of 1 KB objects, 16 writers", small.per_second, "/s", 20'000, aim::at_least});
  out.push_back({"latency of one of them, p50", quantile(small.latencies_us, 0.5), "us", {}, {}});
  out.push_back({"latency of one of them, p99", quantile(small.latencies_us, 0.99), "us", {}, {}});
  out.push_back({"CPU of one of them, with its writer", cpu, "us", {}, {}});
  auto large = w.run(16, 4096, 1500, "large");
  out.push_back({"durable writes of 4 KB objects, 16 writers", large.per_second, "/s", {}, {}});
  auto one = w.run(1, 1024, 1000, "one");
  out.push_back({"latency of one writer alone, p50", quantile(one.latencies_us, 0.5), "us", {}, {}});

  auto before = rss_bytes();
  for (int i = 0; i < 50; ++i) w.run(100, 4096, 1, "pod-" + std::to_string(i) + "-");
  auto held = rss_bytes() - before;
  out.push_back({"memory for each of 5,000 objects of 4 KB", held / 5000, "B", {}, {}});
  w.close();
  auto began = steady::now();
  w.open();
  out.push_back({"recovery with 5,000 objects of 4 KB and their log", us_since(began) / 1000, "ms", {}, {}});
  return out;
}

}  // namespace skerry::bench
